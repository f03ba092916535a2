// 3×3 convolution with stride 1, by definition, of images with few channels (VGG19's conv1_1 has
// 3). The column matrix of im2col would be 27 wide, and writing and reading it would gain nothing.
// The loader defines
//
//     C, the number of channels, at most 4; GROUPS, the number of filters divided by 32;
//     ROWS, STRIP, WARPS, the partition of the image (below); GATED, whether there is a gate
//
// The 32 threads of a warp have consecutive filters, each with its 9·C weights in registers;
// `weight` is (9·C)×filters, see im2col.py. A warp processes a strip, ROWS rows and STRIP columns
// of its result, column by column. Each input column contributes to three columns of the result,
// which are accumulated in sum[column % 3]. All loops over rows, taps and channels are unrolled.

const int WIDTH = WARPS * STRIP;                    // columns of a block, forward

// Start of piece number t of an image; pieces have ROWS rows and `columns` columns.
struct Piece {
    offset image;
    int row, column;

    __device__ inline Piece(offset t, int height, int width, int columns) {
        int down = (height + ROWS - 1) / ROWS, across = (width + columns - 1) / columns;
        column = t % across * columns;
        row = t / across % down * ROWS;
        image = t / across / down;
    }
};

__device__ inline float channel(const float4& pixel, int c) {
    return c == 0 ? pixel.x : c == 1 ? pixel.y : c == 2 ? pixel.z : pixel.w;
}

// Add a column of pixels as tap l to the results in sum[(turn − l) % 3], for l from `low` to
// `high`. Tap 0 starts a result.
__device__ inline void see(const float4* pixels, const float* w, float shift, int turn, int low,
                           int high, float sum[3][ROWS]) {
    #pragma unroll
    for (int i = 0; i < ROWS; i++) if (low == 0) sum[turn % 3][i] = shift;
    #pragma unroll
    for (int r = 0; r < ROWS + 2; r++) {
        float4 pixel = pixels[r * (WIDTH + 2)];
        #pragma unroll
        for (int l = low; l <= high; l++)
            #pragma unroll
            for (int k = 0; k < 3; k++)
                #pragma unroll
                for (int c = 0; c < C; c++)
                    if (r >= k && r < ROWS + k)
                        sum[(turn + 3 - l) % 3][r - k] +=
                            w[(k * 3 + l) * C + c] * channel(pixel, c);
    }
}

// y = w ⋆ x + bias, with an optional ReLU and optional bits of y > 0 (those of a pixel fill whole
// bytes, so rows have no gaps). A block computes 32 filters of a piece of the image, and holds the
// part of x that the piece depends on; pixels beyond the edge are zeros.
extern "C" __global__ void forward(
        const float* x, const float* weight, const float* bias, float* y, byte* bits, int height,
        int width, int rows, int across, int top, int left, int relu) {
    const int filters = 32 * GROUPS;
    __shared__ float4 pixels[(ROWS + 2) * (WIDTH + 2)];
    int lane = threadIdx.x % 32, strip = threadIdx.x / 32 * STRIP;
    int k = blockIdx.x % GROUPS * 32 + lane;
    Piece at(blockIdx.x / GROUPS, rows, across, WIDTH);
    for (int t = threadIdx.x; t < (ROWS + 2) * (WIDTH + 2); t += 32 * WARPS) {
        int i = t / (WIDTH + 2), j = t % (WIDTH + 2);
        int r = at.row - top + i, s = at.column - left + j;
        bool inside = r >= 0 && r < height && s >= 0 && s < width;
        const float* in = x + ((at.image * height + r) * width + s) * C;
        pixels[t] = {inside ? in[0] : 0, inside && C > 1 ? in[1] : 0, inside && C > 2 ? in[2] : 0,
                     inside && C > 3 ? in[3] : 0};
    }
    float w[9 * C];
    #pragma unroll
    for (int j = 0; j < 9 * C; j++) w[j] = weight[j * filters + k];
    float shift = bias ? bias[k] : 0;
    __syncthreads();
    int left_over = across - at.column - strip;     // result columns from the strip's first on
    if (left_over <= 0) return;
    float sum[3][ROWS];
    see(pixels + strip, w, shift, 0, 0, 0, sum);
    see(pixels + strip + 1, w, shift, 1, 0, 1, sum);
    offset first = (at.image * rows + at.row) * across + at.column + strip;
    for (int s = 0; s < STRIP; s += 3) {
        #pragma unroll
        for (int turn = 0; turn < 3; turn++) {
            if (s + turn >= STRIP || s + turn >= left_over) return;
            see(pixels + strip + s + turn + 2, w, shift, turn + 2, 0, 2, sum);
            #pragma unroll
            for (int i = 0; i < ROWS; i++) {
                if (at.row + i >= rows) break;      // the same for all threads of a warp
                float value = sum[turn][i];
                if (relu && value < 0) value = 0;
                offset number = (first + (offset)i * across + s + turn) * filters + k;
                y[number] = value;
                if (bits) store_bit(bits, number, number + 1, value > 0);
            }
        }
    }
}

// Threads at distance 2·half each add half of their numbers.
__device__ inline void share(float v[16], int half) {
    bool upper = threadIdx.x & 2 * half;
    #pragma unroll
    for (int i = 0; i < half; i++) {
        float give = upper ? v[i] : v[i + half], keep = upper ? v[i + half] : v[i];
        v[i] = keep + __shfl_xor_sync(0xffffffffu, give, 2 * half);
    }
}

// Sum 16 numbers of each thread over the warp; thread t receives the sum of number t / 2.
__device__ inline float summed(float v[16]) {
    share(v, 8);
    share(v, 4);
    share(v, 2);
    share(v, 1);
    return v[0] + __shfl_xor_sync(0xffffffffu, v[0], 1);
}

// ROWS + 2 rows of the results' gradient for the filters of one thread, column by column.
struct Strip {
    const float* y;                                 // the first row and column, which may
    const byte* gate;                               // lie outside
    int line, inside;                               // elements of a row; bit r: whether row r exists

    // Add w times column s to sums[(turn − d) % 3], the sum of the pixels d columns before it, for
    // d from `low` to `high`. d = 0 starts a sum.
    __device__ inline void count(int s, bool exists, const float w[GROUPS][9 * C], int turn,
                                 int low, int high, float sums[3][16]) const {
        float values[ROWS + 2][GROUPS];
        #pragma unroll
        for (int r = 0; r < ROWS + 2; r++)
            #pragma unroll
            for (int g = 0; g < GROUPS; g++) {
                bool counts = exists && inside >> r & 1;
                float value = counts ? y[r * line + (s * GROUPS + g) * 32] : 0;
                if (GATED) {
                    byte bits = counts ? gate[r * (line / 8) + (s * GROUPS + g) * 4] : 0;
                    value = bits & 128 >> threadIdx.x % 8 ? value : 0;
                }
                values[r][g] = value;
            }
        #pragma unroll
        for (int i = 0; i < 16; i++) if (low == 0) sums[turn % 3][i] = 0;
        #pragma unroll
        for (int d = low; d <= high; d++)
            #pragma unroll
            for (int k = 0; k < 3; k++)
                #pragma unroll
                for (int i = 0; i < ROWS; i++)
                    #pragma unroll
                    for (int c = 0; c < C; c++)
                        #pragma unroll
                        for (int g = 0; g < GROUPS; g++)
                            sums[(turn + 3 - d) % 3][i * C + c] +=
                                values[i + 2 - k][g] * w[g][(k * 3 + 2 - d) * C + c];
    }
};

// Input gradient x: each pixel sums w times the elements of y that depend on it and whose gate bit
// is 1. A warp has a strip, and sums over its threads for each pixel.
extern "C" __global__ void input_gradient(
        const float* y, const byte* gate, const float* weight, float* x, offset strips, int height,
        int width, int rows, int across, int top, int left) {
    offset number = thread_number() / 32;
    if (number >= strips) return;                   // a whole warp
    int lane = threadIdx.x % 32;
    Piece at(number, height, width, STRIP);
    float w[GROUPS][9 * C], sums[3][16];
    #pragma unroll
    for (int g = 0; g < GROUPS; g++)
        #pragma unroll
        for (int j = 0; j < 9 * C; j++) w[g][j] = weight[(j * GROUPS + g) * 32 + lane];
    int p = at.row + top - 2, q = at.column + left - 2;     // start of the strip in y
    offset first = ((at.image * rows + p) * across + q) * (32 * GROUPS) + lane;
    Strip strip = {y + first, gate + (first >> 3), across * 32 * GROUPS, 0};
    #pragma unroll
    for (int r = 0; r < ROWS + 2; r++) strip.inside |= (p + r >= 0 && p + r < rows) << r;
    int i = lane / 2 / C;                           // row and channel of this thread's sum
    bool writes = lane % 2 == 0 && i < ROWS && at.row + i < height;
    float* out = x + ((at.image * height + at.row + i) * width + at.column) * C + lane / 2 % C;
    strip.count(0, q >= 0 && q < across, w, 0, 0, 0, sums);
    strip.count(1, q + 1 >= 0 && q + 1 < across, w, 1, 0, 1, sums);
    for (int s = 0; s < STRIP; s += 3) {
        #pragma unroll
        for (int turn = 0; turn < 3; turn++) {
            if (s + turn >= STRIP || s + turn >= width - at.column) return;
            int next = s + turn + 2;
            strip.count(next, q + next >= 0 && q + next < across, w, turn + 2, 0, 2, sums);
            float sum = summed(sums[turn]);
            if (writes) out[(s + turn) * C] = sum;
        }
    }
}
