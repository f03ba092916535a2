// Sums over long vectors, accumulated as double, and vector updates, for optimizers and losses.
// Sums have a fixed order, so they repeat from run to run: each block sums its part, then one block
// sums the parts.

const int WIDTH = 256;                              // threads in a block of these kernels

__device__ inline void block_sum(double value, double* out) {
    __shared__ double parts[WIDTH];
    parts[threadIdx.x] = value;
    __syncthreads();
    for (int half = WIDTH / 2; half; half /= 2) {
        if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) *out = parts[0];
}

extern "C" __global__ void inner(const real* x, const real* y, double* parts, offset length) {
    double sum = 0;
    for (offset t = thread_number(); t < length; t += (offset)gridDim.x * blockDim.x)
        sum += (double)x[t] * (double)y[t];
    block_sum(sum, parts + blockIdx.x);
}

extern "C" __global__ void squared_distance(const real* x, const real* y, double* parts,
                                            offset length) {
    double sum = 0;
    for (offset t = thread_number(); t < length; t += (offset)gridDim.x * blockDim.x) {
        double difference = (double)x[t] - (double)y[t];
        sum += difference * difference;
    }
    block_sum(sum, parts + blockIdx.x);
}

extern "C" __global__ void total(const double* parts, double* out, int count) {
    double sum = 0;
    for (int t = threadIdx.x; t < count; t += WIDTH) sum += parts[t];
    block_sum(sum, out);
}

// Gradient of squared_distance with respect to x, 2g·(x − y), written or added to `out`.
extern "C" __global__ void distance_gradient(const real* x, const real* y, const double* g,
                                             real* out, int add, offset length) {
    offset t = thread_number();
    if (t >= length) return;
    real slope = (real)(2 * *g) * (x[t] - y[t]);
    out[t] = add ? out[t] + slope : slope;
}

extern "C" __global__ void step_along(const real* x, real factor, const real* y, real* out,
                                      offset length) {
    offset t = thread_number();
    if (t < length) out[t] = x[t] + factor * y[t];
}

// One step of Adam: see minigrad/optim/adam.py. rate = lr / (1 − β₁ᵗ), root = √(1 − β₂ᵗ).
extern "C" __global__ void adam(real* x, const real* g, real* mean, real* square, offset length,
                                real beta1, real beta2, real rate, real root, real eps,
                                real decay) {
    offset t = thread_number();
    if (t >= length) return;
    real slope = g[t] + decay * x[t];
    real first = mean[t] + (1 - beta1) * (slope - mean[t]);
    real second = beta2 * square[t] + (1 - beta2) * (slope * slope);
    mean[t] = first;
    square[t] = second;
    x[t] -= rate * first / (sqrt(second) / root + eps);
}
