// L-BFGS without its two loops: the compact form, in three launches per direction.
//
// The pairs are one array 2×m×n, the steps s and then the gradient changes y, each a ring of m
// rows. `first` is the row of the oldest pair and `count` the number of pairs; k counts pairs by
// age. Sums are double and their order depends only on n, not on the rows or the number of the
// pairs, so a resumed run computes the same bits.

const int THREADS = 256;        // in a block of these kernels
const int ROWS = 10;            // of the pairs, which a block of `products` takes at a time
const int EACH = 4;             // elements of a direction per step of a thread of `combine`
const int NEAR = 32;            // largest number of pairs that is solved in shared memory

__device__ inline int ring(int first, int k, int size) {
    int row = first + k;
    return row < size ? row : row - size;
}

__device__ inline double joined(bool sum, double a, double b) {
    if (sum) return a + b;
    return b > a || b != b ? b : a;                 // the larger one, or NaN
}

// Reduce the numbers of all threads of a block, SUMS sums and then MAXIMA maxima per thread. The
// first `wanted` results go to out[0], out[step], out[2·step] …
template <int SUMS, int MAXIMA>
__device__ inline void block_sums(const double (&values)[SUMS + MAXIMA], double* out, int step,
                                  int wanted) {
    const int PARTS = 8;
    __shared__ double all[SUMS + MAXIMA][THREADS];
    int k = threadIdx.x / PARTS, part = threadIdx.x % PARTS;
#pragma unroll
    for (int i = 0; i < SUMS + MAXIMA; i++) all[i][threadIdx.x] = values[i];
    __syncthreads();
    double value = 0;
    if (k < wanted)
        for (int t = part; t < THREADS; t += PARTS) value = joined(k < SUMS, value, all[k][t]);
    __syncthreads();
    if (k < wanted) all[k][part] = value;
    __syncthreads();
    if (k < wanted && part == 0) {
        for (int t = 1; t < PARTS; t++) value = joined(k < SUMS, value, all[k][t]);
        out[k * step] = value;
    }
}

// For the step from x to x1 along d: partial ⟨g1, d⟩, ⟨s, g⟩, ⟨s, y⟩, max |s|, max |g1|.
extern "C" __global__ void compare(const real* x, const real* gradient, const real* x1,
                                   const real* gradient1, const real* direction, double* parts,
                                   offset length) {
    double values[5] = {0, 0, 0, 0, 0};
#pragma unroll 2
    for (offset t = thread_number(); t < length; t += (offset)gridDim.x * blockDim.x) {
        real before = gradient[t], after = gradient1[t], s = x1[t] - x[t], y = after - before;
        values[0] += (double)after * direction[t];
        values[1] += (double)s * before;
        values[2] += (double)s * y;
        values[3] = joined(false, values[3], s < 0 ? -s : s);
        values[4] = joined(false, values[4], after < 0 ? -after : after);
    }
    block_sums<3, 2>(values, parts + blockIdx.x, gridDim.x, 5);
}

// Write the pair (s, y) of that step.
extern "C" __global__ void pair(const real* x, const real* gradient, const real* x1,
                                const real* gradient1, real* s, real* y, offset length) {
    offset t = thread_number();
    if (t >= length) return;
    s[t] = x1[t] - x[t];
    y[t] = gradient1[t] - gradient[t];
}

// Inner products of the rows s₀, y₀, s₁, y₁ … with the gradient, if there is one, and with the y of
// the newest pair if it is `entering`. Partial sums of row r, one for each of `blocks` stretches of
// the vectors, go to parts[2·r] and parts[2·r + 1]. Blocks with the same stretch of the gradient
// are adjacent, so that it comes from the L2 cache.
extern "C" __global__ void products(const real* pairs, const real* gradient, double* parts,
                                    int first, int count, int size, int entering, int blocks,
                                    offset length) {
    int chunks = (2 * count + ROWS - 1) / ROWS, part = blockIdx.x / chunks;
    int row = blockIdx.x % chunks * ROWS, rows = 2 * count - row;
    const real* newest = pairs + (size + ring(first, count - 1, size)) * length;
    offset starts[ROWS];
    double values[2 * ROWS];
#pragma unroll
    for (int i = 0; i < ROWS; i++) {                // repeat the last row past the end
        int r = i < rows ? row + i : 2 * count - 1;
        starts[i] = (ring(first, r / 2, size) + (r % 2) * size) * length;
        values[2 * i] = values[2 * i + 1] = 0;
    }
#pragma unroll 1
    for (offset t = part * THREADS + threadIdx.x; t < length; t += blocks * THREADS) {
        double g = gradient ? gradient[t] : 0, y = entering ? newest[t] : 0;
        real numbers[ROWS];                         // issue all loads before using one
#pragma unroll
        for (int i = 0; i < ROWS; i++) numbers[i] = pairs[starts[i] + t];
#pragma unroll
        for (int i = 0; i < ROWS; i++) {            // explicit fma: the same bits with every compiler
            values[2 * i] = fma((double)numbers[i], g, values[2 * i]);
            values[2 * i + 1] = fma((double)numbers[i], y, values[2 * i + 1]);
        }
    }
    block_sums<2 * ROWS, 0>(values, parts + (offset)2 * row * blocks + part, blocks,
                            2 * (rows < ROWS ? rows : ROWS));
}

// sums[i] = parts[i][0] + … + parts[i][blocks − 1].
__device__ inline void total_parts(const double* parts, int blocks, int count, double* sums) {
    const int PARTS = 8;
    __shared__ double shares[THREADS];
    int part = threadIdx.x % PARTS;
    for (int start = 0; start < count; start += THREADS / PARTS) {
        int i = start + threadIdx.x / PARTS;
        double sum = 0;
        if (i < count)
            for (int b = part; b < blocks; b += PARTS) sum += parts[(long long)i * blocks + b];
        shares[threadIdx.x] = sum;
        __syncthreads();
        if (i < count && part == 0) {
            for (int t = 1; t < PARTS; t++) sum += shares[threadIdx.x + t];
            sums[i] = sum;
        }
        __syncthreads();
    }
}

// One block. Add the newest pair to the matrices, then compute the factors of H·g: γ in factors[0],
// and for each pair the factors a of s and γ·b of y (for the formulas see
// minigrad/kernels/cuda/lbfgs.py). `work` has room for size·(size + 6) numbers.
extern "C" __global__ void solve(const double* parts, double* steps_changes,
                                 double* changes_changes, double* work, double* factors,
                                 int blocks, int first, int count, int size, int entering,
                                 int asked) {
    __shared__ double fast[NEAR * (NEAR + 2)];
    double* sums = work;
    total_parts(parts, blocks, 4 * count, sums);
    int newest = ring(first, count - 1, size);
    for (int k = threadIdx.x; entering && k < count; k += THREADS) {
        int row = ring(first, k, size);
        steps_changes[row * size + newest] = sums[4 * k + 1];
        changes_changes[row * size + newest] = changes_changes[newest * size + row]
                                             = sums[4 * k + 3];
    }
    __syncthreads();
    if (!asked) return;

    double* right = count <= NEAR ? fast : work + 4 * size;     // right-hand side of the system
    double* u = right + count;
    double* r = u + count;                                      // R by age, count×count
    for (int t = threadIdx.x; t < count * count; t += THREADS) {
        int i = t / count, j = t % count;
        if (i <= j) r[t] = steps_changes[ring(first, i, size) * size + ring(first, j, size)];
    }
    for (int k = threadIdx.x; k < count; k += THREADS) right[k] = sums[4 * k];
    __syncthreads();
    double scale = r[count * count - 1] / changes_changes[newest * size + newest];

    for (int k = count - 1; k >= 0; k--) {                      // R·u = Sᵀg
        double value = right[k] / r[k * count + k];
        for (int i = threadIdx.x; i < k; i += THREADS) right[i] -= r[i * count + k] * value;
        if (threadIdx.x == 0) u[k] = value;
        __syncthreads();
    }
    for (int k = threadIdx.x; k < count; k += THREADS) {        // D·u + γ(YᵀY·u − Yᵀg)
        double sum = 0;
        int row = ring(first, k, size);
        for (int j = 0; j < count; j++)
            sum += changes_changes[row * size + ring(first, j, size)] * u[j];
        right[k] = r[k * count + k] * u[k] + scale * (sum - sums[4 * k + 2]);
        factors[2 + 2 * k] = -scale * u[k];
    }
    __syncthreads();
    for (int k = 0; k < count; k++) {                           // Rᵀ·a = that
        double value = right[k] / r[k * count + k];
        for (int i = k + 1 + threadIdx.x; i < count; i += THREADS)
            right[i] -= r[k * count + i] * value;
        if (threadIdx.x == 0) factors[1 + 2 * k] = value;
        __syncthreads();
    }
    if (threadIdx.x == 0) factors[0] = scale;
}

// direction = −(γ·g + Σ aₖ·sₖ + γ·bₖ·yₖ), or −g without pairs; and partial ⟨direction, g⟩.
extern "C" __global__ void combine(const real* pairs, const real* gradient, const double* factors,
                                   real* direction, double* parts, int first, int count, int size,
                                   offset length) {
    double slope[1] = {0};
    double scale = count ? factors[0] : 1;
    for (offset start = (offset)blockIdx.x * (EACH * THREADS) + threadIdx.x;
         start - (int)threadIdx.x < length; start += (offset)gridDim.x * (EACH * THREADS)) {
        offset at[EACH];
        double values[EACH];
#pragma unroll
        for (int i = 0; i < EACH; i++) {            // repeat the last element past the end
            offset t = start + i * THREADS;
            at[i] = t < length ? t : length - 1;
            values[i] = scale * gradient[at[i]];
        }
#pragma unroll 2
        for (int k = 0; k < count; k++) {
            const real* s = pairs + ring(first, k, size) * length;
            const real* y = s + size * length;
            double a = factors[1 + 2 * k], b = factors[2 + 2 * k];
            real numbers[2 * EACH];
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                numbers[2 * i] = s[at[i]];
                numbers[2 * i + 1] = y[at[i]];
            }
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                values[i] += a * numbers[2 * i];
                values[i] += b * numbers[2 * i + 1];
            }
        }
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            if (start + i * THREADS >= length) continue;
            real value = (real)-values[i];
            slope[0] += (double)value * gradient[at[i]];
            direction[at[i]] = value;
        }
    }
    block_sums<1, 0>(slope, parts + blockIdx.x, gridDim.x, 1);
}
