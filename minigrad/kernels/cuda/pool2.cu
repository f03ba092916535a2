// Pooling of adjacent 2×2 windows, forward and backward: see minigrad/kernels/pool.py, and pool.cu
// for all other windows. A thread has one window of four adjacent channels and reads and writes 16
// bytes at a time, so the arrays must be aligned to 16 bytes. `quarters` is the number of channels
// divided by 4. `across` counts windows, `height` and `width` pixels; an odd last row or column
// belongs to no window.

// A thread's window. `y` is its index among the windows, `x` the index of its first pixel among the
// pixels, both in units of four channels.
struct Window {
    offset y, x;
    int p, q, line;                                 // line: units in a row of pixels

    __device__ inline Window(offset t, int height, int width, int quarters, int rows, int across) {
        int c = t % quarters;
        offset place = t / quarters;
        q = place % across;
        p = place / across % rows;
        line = width * quarters;
        y = t;
        x = ((place / across / rows * height + 2 * p) * width + 2 * q) * quarters + c;
    }
};

#define SIZES int height, int width, int quarters, int rows, int across

// The maximum so far and pixel k: the first of equals wins, and NaN stays.
__device__ inline void contest(float pixel, int k, float* best, byte* place) {
    if (pixel > *best) {
        *best = pixel;
        *place = (byte)k;
    } else if (pixel != pixel) {
        *best = pixel;
    }
}

extern "C" __global__ void max_pool(const float* x, float* y, byte* winner, offset total, SIZES) {
    offset t = thread_number();
    if (t >= total) return;
    Window at(t, height, width, quarters, rows, across);
    const float4* in = (const float4*)x + at.x;
    float4 pixels[4] = {in[0], in[quarters], in[at.line], in[at.line + quarters]};
    float4 best = pixels[0];
    uchar4 place = {0, 0, 0, 0};
    #pragma unroll
    for (int k = 1; k < 4; k++) {
        contest(pixels[k].x, k, &best.x, &place.x);
        contest(pixels[k].y, k, &best.y, &place.y);
        contest(pixels[k].z, k, &best.z, &place.z);
        contest(pixels[k].w, k, &best.w, &place.w);
    }
    ((float4*)y)[at.y] = best;
    if (winner) ((uchar4*)winner)[at.y] = place;
}

// Write zeros to the odd row and column next to a window at the edge.
__device__ inline void clear_edges(float4* out, const Window& at, SIZES) {
    const float4 zeros = {0, 0, 0, 0};
    bool below = at.p == rows - 1 && 2 * rows < height;
    bool beside = at.q == across - 1 && 2 * across < width;
    if (below) out[2 * (offset)at.line] = out[2 * (offset)at.line + quarters] = zeros;
    if (beside) out[2 * quarters] = out[at.line + 2 * quarters] = zeros;
    if (below && beside) out[2 * (offset)at.line + 2 * quarters] = zeros;
}

extern "C" __global__ void max_unpool(const float* y, const byte* winner, float* x, offset total,
                                      SIZES) {
    offset t = thread_number();
    if (t >= total) return;
    Window at(t, height, width, quarters, rows, across);
    float4 value = ((const float4*)y)[at.y];
    uchar4 place = ((const uchar4*)winner)[at.y];
    float4* out = (float4*)x + at.x;
    #pragma unroll
    for (int k = 0; k < 4; k++)
        out[k / 2 * at.line + k % 2 * quarters] = {
            place.x == k ? value.x : 0, place.y == k ? value.y : 0,
            place.z == k ? value.z : 0, place.w == k ? value.w : 0};
    clear_edges(out, at, height, width, quarters, rows, across);
}

extern "C" __global__ void avg_pool(const float* x, float* y, offset total, SIZES) {
    offset t = thread_number();
    if (t >= total) return;
    Window at(t, height, width, quarters, rows, across);
    const float4* in = (const float4*)x + at.x;
    float4 a = in[0], b = in[quarters], c = in[at.line], d = in[at.line + quarters];
    ((float4*)y)[at.y] = {(a.x + b.x + c.x + d.x) / 4, (a.y + b.y + c.y + d.y) / 4,
                          (a.z + b.z + c.z + d.z) / 4, (a.w + b.w + c.w + d.w) / 4};
}

extern "C" __global__ void avg_unpool(const float* y, float* x, offset total, SIZES) {
    offset t = thread_number();
    if (t >= total) return;
    Window at(t, height, width, quarters, rows, across);
    float4 value = ((const float4*)y)[at.y];
    float4 share = {value.x / 4, value.y / 4, value.z / 4, value.w / 4};
    float4* out = (float4*)x + at.x;
    out[0] = out[quarters] = out[at.line] = out[at.line + quarters] = share;
    clear_edges(out, at, height, width, quarters, rows, across);
}
