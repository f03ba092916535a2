// The ranks of numbers in their rows, by counting: BINS bins between the smallest and the largest
// number of a row. Numbers in one bin count as equal.

const int WIDTH = 256;                              // threads in the block of one row
const int BINS = 1 << 14;
const int SHARE = BINS / WIDTH;                     // bins of one thread

// The bin of x; it never decreases as x grows. Numbers that are not finite may have any bin.
__device__ inline int bin_of(real x, real low, real high) {
    real share = high > low ? (x - low) / (high - low) : (real)0;
    int bin = (int)(share * BINS);
    return bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin;
}

extern "C" __global__ void count_bins(const real* x, const real* low, const real* high, int* counts,
                                 offset length, offset size) {
    offset t = thread_number();
    if (t >= size) return;
    offset row = t / length;
    atomicAdd(counts + row * BINS + bin_of(x[t], low[row], high[row]), 1);
}

// The mean quantile of the ranks of every bin. Row r of `sums` has the sums of the first 0, 1, ...
// `length` quantiles; block r computes row r of `means`.
extern "C" __global__ void mean_quantiles(const int* counts, const double* sums, double* means,
                                   offset length) {
    __shared__ int first[WIDTH];                    // the ranks at which the shares begin
    const int* count = counts + blockIdx.x * BINS + threadIdx.x * SHARE;
    double* mean = means + blockIdx.x * BINS + threadIdx.x * SHARE;
    int total = 0;
    for (int bin = 0; bin < SHARE; ++bin) total += count[bin];
    first[threadIdx.x] = total;
    __syncthreads();
    if (threadIdx.x == 0) {
        int rank = 0;
        for (int share = 0; share < WIDTH; ++share) {
            int numbers = first[share];
            first[share] = rank;
            rank += numbers;
        }
    }
    __syncthreads();
    const double* sum = sums + blockIdx.x * (length + 1) + first[threadIdx.x];
    for (int bin = 0; bin < SHARE; ++bin) {
        int numbers = count[bin];
        if (numbers) mean[bin] = (sum[numbers] - sum[0]) / numbers;
        sum += numbers;
    }
}

extern "C" __global__ void move_to_means(const real* x, const real* low, const real* high,
                                         const double* means, real* moved, offset length,
                                         offset size) {
    offset t = thread_number();
    if (t >= size) return;
    offset row = t / length;
    moved[t] = (real)means[row * BINS + bin_of(x[t], low[row], high[row])];
}
