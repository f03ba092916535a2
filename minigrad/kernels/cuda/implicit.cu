// 3×3 convolution with stride 1 on tensor cores: an implicit matrix product (Chetlur et al.,
// "cuDNN: Efficient primitives for deep learning", 2014) of filters × 9·channels and 9·channels ×
// pixels. The second matrix is never stored: windows are read from the image. See implicit.py for
// the calls. Operands are rounded to TF32.
//
// A block computes 16×16 pixels of 64 filters, each of its warps 4 rows of them, so a number in
// shared memory serves 64 multiplications. It takes many pixels and few filters, because a number
// of the image is used for nine positions and one of the weights for one. It takes 32 channels at a
// time. Their pixels, with a border of one pixel, are copied to shared memory once for all nine
// positions of the kernel; meanwhile the next 32 channels are loaded. Weights are loaded position
// by position, 32 channels of each filter.
//
// The order of channels and filters in a product is free. Instead of channels t and t + 4 of 8, a
// lane takes 4·t and 4·t + 1 for one mma, and 4·t + 2 and 4·t + 3 for the next, so it reads 16
// adjacent bytes of a pixel. Weights are arranged beforehand so that the four that a lane needs for
// an mma are adjacent, and so are its sums.

const int ROWS = 16, COLUMNS = 16, FILTERS = 64;    // of a block's result, as in implicit.py
const int THREADS = 32 * ROWS / 4;
const int SIDE = COLUMNS + 2, SEEN = (ROWS + 2) * SIDE;     // pixels with their border
const int GROUPS = FILTERS / 32;                    // of 32 filters: two tiles of an mma
const int IMAGE = SEEN * 32, WEIGHTS = FILTERS * 32;        // elements of a buffer
const int PARTS = 3;                                // number of copies of an image
const int BUFFERS = 2;                              // of images, and of weights
const int COPIES = (SEEN * 8 + PARTS * THREADS - 1) / (PARTS * THREADS);    // by a thread, of each

#ifdef __CUDACC__       // cuda_on_host.h in the tests has twins of these for the host

extern __shared__ float4 shared_memory[];

// sums += a·b by the 32 lanes of a warp, which together hold 16×8 a, 8×8 b and 16×8 sums. With
// g = lane / 4 and t = lane % 4, a lane has a[g, t], a[g + 8, t], a[g, t + 4], a[g + 8, t + 4];
// b[t, g], b[t + 4, g]; and the sums [g, 2t], [g, 2t + 1], [g + 8, 2t], [g + 8, 2t + 1].
__device__ inline void mma(float (&sums)[4], float4 a, float b0, float b1) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(__float_as_uint(a.x)), "r"(__float_as_uint(a.y)), "r"(__float_as_uint(a.z)),
          "r"(__float_as_uint(a.w)), "r"(__float_as_uint(b0)), "r"(__float_as_uint(b1)));
}

// Start to copy 16 or 4 bytes, or zeros, to shared memory. The copy is complete after the same
// thread has called copies_arrived<n>(), if it has closed at most n groups of copies since.
__device__ inline void copy_16(void* to, const void* from, bool real_ones) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :: "r"((unsigned)__cvta_generic_to_shared(to)), "l"(from),
                    "r"(real_ones ? 16 : 0) : "memory");
}

__device__ inline void copy_4(void* to, const void* from, bool real_ones) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
                 :: "r"((unsigned)__cvta_generic_to_shared(to)), "l"(from),
                    "r"(real_ones ? 4 : 0) : "memory");
}

__device__ inline void close_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

template <int n> __device__ inline void copies_arrived() {
    asm volatile("cp.async.wait_group %0;" :: "n"(n) : "memory");
}

#endif

// Position of channels 4·four … 4·four + 3 of a pixel in a buffer. Every other pixel has its halves
// swapped, so that 8 lanes that read 4·16 bytes of each of two adjacent pixels have no bank
// conflict.
__device__ inline int place(int pixel, int four) {
    return pixel * 32 + ((four ^ (pixel & 1) << 2) << 2);
}

// Shift of the bits of channels 4·four … 4·four + 3 in a word of 32 bits in memory.
__device__ inline int shift_of(int four) { return (four ^ 1) << 2; }

// The part of image x N×H×W×C that a block reads; it begins at `row`, `column`.
struct Seen {
    const float* x;
    const byte* gate;
    offset image;
    int height, width, channels, row_bytes, row, column;
};

// Start to copy a part of 32 channels from `first` on, and of their bits.
__device__ inline void copy_image(const Seen& seen, int first, int part, float* target,
                                  unsigned* words) {
    #pragma unroll 1                                // keep registers for the sums
    for (int n = 0; n < COPIES; n++) {
        int i = (part * COPIES + n) * THREADS + threadIdx.x;
        if (i >= SEEN * 8) break;
        int pixel = i >> 3, four = i & 7;
        int r = seen.row + pixel / SIDE, s = seen.column + pixel % SIDE;
        bool inside = r >= 0 && r < seen.height && s >= 0 && s < seen.width;
        offset line = inside ? seen.image * seen.height + r : 0;
        if (!inside) s = 0;
        copy_16(target + place(pixel, four),
                seen.x + (line * seen.width + s) * seen.channels + first + four * 4, inside);
        if (seen.gate && four == 0)
            copy_4(words + pixel,
                   seen.gate + line * seen.row_bytes + ((offset)s * seen.channels + first) / 8,
                   inside);
    }
}

// Prepare the copied numbers: zero where the gate is 0, rounded to TF32 otherwise. Each thread
// takes the numbers that it copied itself.
__device__ inline void prepare(const Seen& seen, int part, float* target, const unsigned* words) {
    #pragma unroll 1
    for (int n = 0; n < COPIES; n++) {
        int i = (part * COPIES + n) * THREADS + threadIdx.x;
        if (i >= SEEN * 8) break;
        int pixel = i >> 3, four = i & 7;
        float4* here = (float4*)(target + place(pixel, four));
        float4 v = *here;
        if (seen.gate) {
            unsigned open = words[pixel] >> shift_of(four);
            v.x = open & 8 ? v.x : 0;
            v.y = open & 4 ? v.y : 0;
            v.z = open & 2 ? v.z : 0;
            v.w = open & 1 ? v.w : 0;
        }
        *here = {rounded_to_tf32(v.x), rounded_to_tf32(v.y), rounded_to_tf32(v.z),
                 rounded_to_tf32(v.w)};
    }
}

// Start to copy FILTERS×32 adjacent weights.
__device__ inline void copy_weights(const float* from, float* target) {
    #pragma unroll
    for (int n = 0; n < WEIGHTS / 4 / THREADS; n++) {
        int i = (n * THREADS + threadIdx.x) * 4;
        copy_16(target + i, from + i, true);
    }
}

typedef float Sums[2][2 * GROUPS][4];               // of 2×8 pixels, by tiles of 16 filters
typedef float4 Weights[2][2 * GROUPS];              // of 2×8 channels

// sums += 16 pixels × 16 channels × the block's filters. u and v hold channels 4·t … 4·t + 3 of
// pixels g and g + 8.
__device__ inline void multiply(Sums& sums, float4 u, float4 v, const Weights& weights) {
    #pragma unroll
    for (int k = 0; k < 2 * GROUPS; k++) {
        mma(sums[0][k], weights[0][k], u.x, u.y);
        mma(sums[1][k], weights[0][k], v.x, v.y);
    }
    #pragma unroll
    for (int k = 0; k < 2 * GROUPS; k++) {
        mma(sums[0][k], weights[1][k], u.z, u.w);
        mma(sums[1][k], weights[1][k], v.z, v.w);
    }
}

// The same for the 4 rows of a warp; a and b point to the lane's pixels and weights.
__device__ inline void multiply_rows(Sums (&sums)[4], const float* a, const float* b) {
    Weights weights;
    #pragma unroll
    for (int step = 0; step < 2; step++)
        #pragma unroll
        for (int k = 0; k < 2 * GROUPS; k++)
            weights[step][k] = *(const float4*)(b + (k / 2 * 4 + step) * 256 + k % 2 * 128);
    #pragma unroll
    for (int row = 0; row < 4; row++) {
        float4 u = *(const float4*)(a + row * SIDE * 32);
        float4 v = *(const float4*)(a + (row * SIDE + 8) * 32);
        multiply(sums[row], u, v, weights);
    }
}

// The destination of a block's results.
struct Result {
    const float* bias;
    float* y;
    byte* bits;
    offset image;
    int height, width, filters, row, column, filter;
    bool relu;

    // The index of a pixel of the warp, or −1 outside the image.
    __device__ offset pixel(int r, int s) const {
        bool exists = row + r < height && column + s < width;
        return exists ? (image * height + row + r) * width + column + s : -1;
    }
};

// Transpose: eight lanes g each have 4 bits for each of 8 rows; lane g receives the 4 bits of all
// lanes for row g. Those of lane 0 come first, at the high end of the byte.
__device__ inline unsigned gather_bits(unsigned bits) {
    const unsigned even[3] = {0x0f0f0f0fu, 0x00ff00ffu, 0x0000ffffu};
    #pragma unroll
    for (int step = 0; step < 3; step++) {
        int far = 4 << step;
        unsigned others = __shfl_xor_sync(0xffffffffu, bits, far), mask = even[step];
        bits = threadIdx.x & far ? (bits & ~mask) | (others >> far & mask)
                                 : (bits & mask) | (others & mask) << far;
    }
    return (bits & even[0]) << 4 | (bits >> 4 & even[0]);
}

// Write the sums of a warp to y, with bias and ReLU, and their bits. A lane has filters 4·g … 4·g +
// 3 of each 32, and pixels 2·t and 2·t + 1 of each 8.
__device__ inline void finish(const Sums (&sums)[4], const Result& to) {
    int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    #pragma unroll
    for (int w = 0; w < GROUPS; w++) {
        int k = to.filter + 32 * w + 4 * g;
        float shift[4] = {};
        if (to.bias)
            for (int e = 0; e < 4; e++) shift[e] = to.bias[k + e];
        #pragma unroll
        for (int side = 0; side < 2; side++) {
            unsigned bits = 0;
            #pragma unroll
            for (int j = 0; j < 8; j++) {
                float v[4];
                #pragma unroll
                for (int e = 0; e < 4; e++) {
                    v[e] = sums[j / 2][j % 2][2 * w + e / 2][e % 2 * 2 + side] + shift[e];
                    if (to.relu && v[e] < 0) v[e] = 0;
                    bits |= (unsigned)(v[e] > 0) << (4 * j + 3 - e);
                }
                offset pixel = to.pixel(j / 2, j % 2 * 8 + 2 * t + side);
                if (pixel >= 0)
                    *(float4*)(to.y + pixel * to.filters + k) = {v[0], v[1], v[2], v[3]};
            }
            if (!to.bits) continue;
            bits = gather_bits(bits);
            offset pixel = to.pixel(g / 2, g % 2 * 8 + 2 * t + side);
            if (pixel >= 0)
                *(unsigned*)(to.bits + (pixel * to.filters + to.filter) / 8 + 4 * w) = bits;
        }
    }
}

// y = x∗weights + bias, with an optional ReLU and optional bits of y > 0. x is N×H×W×channels and
// counts as 0 where its bit in `gate` is 0; weights are arranged by arrange_weight. The result has
// down×across patches of ROWS×16 pixels, with filters/FILTERS blocks each.
extern "C" __global__ void convolve(
        const float* x, const byte* gate, const float* weights, const float* bias, float* y,
        byte* bits, int height, int width, int channels, int filters, int result_height,
        int result_width, int down, int across, int top, int left, int relu) {
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int pieces = filters / FILTERS, patch = blockIdx.x / pieces;
    int row = patch / across % down * ROWS, column = patch % across * COLUMNS;
    int filter = blockIdx.x % pieces * FILTERS;
    offset image = patch / across / down;
    Seen seen = {x, gate, image, height, width, channels, width * channels / 8, row - top,
                 column - left};
    float* images = (float*)shared_memory;          // buffers of images, then of weights
    float* buffers = images + BUFFERS * IMAGE;
    unsigned* words = (unsigned*)(buffers + BUFFERS * WEIGHTS);
    const float* from = weights + (offset)filter * 32;
    offset step = (offset)filters * 32;
    int chunks = channels / 32, last = chunks * 9 - 1;

    for (int part = 0; part < PARTS; part++) copy_image(seen, 0, part, images, words);
    copy_weights(from, buffers);
    close_copies();
    copies_arrived<0>();
    __syncthreads();
    for (int part = 0; part < PARTS; part++) prepare(seen, part, images, words);

    Sums sums[4] = {};
    int warp_row = warp * 4, pixel = warp_row * SIDE + lane / 4;
    int here = 0, ahead = 1;                        // buffers: in use, being filled
    for (int chunk = 0, stage = 0; chunk < chunks; chunk++) {
        const float* now = images + (chunk & 1) * IMAGE;
        float* next = images + (~chunk & 1) * IMAGE;
        bool more = chunk + 1 < chunks;
        #pragma unroll 1
        for (int tap = 0; tap < 9; tap++, stage++) {
            copies_arrived<0>();
            __syncthreads();
            if (stage < last) copy_weights(from + (stage + 1) * step, buffers + ahead * WEIGHTS);
            if (more && tap < PARTS) copy_image(seen, (chunk + 1) * 32, tap, next, words);
            close_copies();
            if (more && tap >= 9 - PARTS) prepare(seen, tap - (9 - PARTS), next, words);
            int first = pixel + tap / 3 * SIDE + tap % 3;
            const float* b = buffers + here * WEIGHTS + lane * 4;
            #pragma unroll
            for (int half = 0; half < 2; half++)
                multiply_rows(sums, now + place(first, 4 * half + lane % 4), b + half * 512);
            here = here + 1 == BUFFERS ? 0 : here + 1;
            ahead = ahead + 1 == BUFFERS ? 0 : ahead + 1;
        }
    }
    finish(sums, {bias, y, bits, image, result_height, result_width, filters, row + warp_row,
                  column, filter, relu != 0});
}

// Arrange weights filters×channels×3×3 in the order of the lanes: by 32 channels, tap, 32 filters,
// 8 channels, 16 filters, lane, and 4 numbers for one mma. is_turned: for the input gradient, where
// filters and channels swap roles and the kernel is rotated by 180°. Rounded to TF32.
extern "C" __global__ void arrange_weight(const float* weight, float* arranged, int filters,
                                          int channels, int is_turned) {
    offset i = thread_number();
    if (i >= (offset)filters * channels * 9) return;
    int e = i % 4, t = i / 4 % 4, g = i / 16 % 8, tile = i / 128 % 2, step = i / 256 % 4;
    offset piece = i / 1024;
    int groups = (is_turned ? channels : filters) / 32, tap = piece / groups % 9;
    int to = piece % groups * 32 + 4 * g + 2 * tile + e % 2;
    int from = piece / groups / 9 * 32 + step / 2 * 16 + 4 * t + step % 2 * 2 + e / 2;
    offset here = is_turned ? ((offset)from * channels + to) * 9 + 8 - tap
                            : ((offset)to * channels + from) * 9 + tap;
    arranged[i] = rounded_to_tf32(weight[here]);
}
