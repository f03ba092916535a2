// Pooling, forward and backward: see minigrad/kernels/pool.py. `winner` is the position of the
// largest pixel of a window, counted along its rows; the loader defines its type. Backward, each
// pixel reads the windows that cover it, so there are no atomics and results repeat.

// The windows along one axis that cover position i of the padded image: from `low` to `high`.
__device__ inline void covering(int i, int kernel, int stride, int windows, int* low, int* high) {
    *low = i < kernel ? 0 : (i - kernel) / stride + 1;
    *high = i / stride < windows - 1 ? i / stride : windows - 1;
}

// Number of pixels that count along one axis in its window number `place`.
__device__ inline int counted(int place, int kernel, int stride, int padding, int length,
                              int include_padding) {
    int start = place * stride - padding, stop = start + kernel;
    if (include_padding) return (stop < length + padding ? stop : length + padding) - start;
    return (stop < length ? stop : length) - (start > 0 ? start : 0);
}

#define SIZES int height, int width, int channels, int rows, int across, int kernel_h, \
              int kernel_w, int stride_h, int stride_w, int top, int left

extern "C" __global__ void max_pool(const real* x, real* y, mark* winner, offset total, SIZES) {
    offset t = thread_number();
    if (t >= total) return;
    int c = t % channels, q = t / channels % across, p = t / channels / across % rows;
    offset image = t / channels / across / rows;
    real best = -__longlong_as_double(0x7ff0000000000000LL);      // −∞
    int place = 0;
    for (int k = 0; k < kernel_h; k++) {
        int r = p * stride_h - top + k;
        if (r < 0 || r >= height) continue;
        for (int l = 0; l < kernel_w; l++) {
            int s = q * stride_w - left + l;
            if (s < 0 || s >= width) continue;
            real pixel = x[((image * height + r) * width + s) * channels + c];
            if (pixel > best) {
                best = pixel;
                place = k * kernel_w + l;
            } else if (pixel != pixel) {
                best = pixel;                       // NaN stays: nothing compares larger
            }
        }
    }
    y[t] = best;
    if (winner) winner[t] = (mark)place;
}

extern "C" __global__ void max_unpool(const real* y, const mark* winner, real* x, offset total,
                                      SIZES) {
    offset t = thread_number();
    if (t >= total) return;
    int c = t % channels, s = t / channels % width, r = t / channels / width % height;
    offset image = t / channels / width / height;
    int low_p, high_p, low_q, high_q;
    covering(r + top, kernel_h, stride_h, rows, &low_p, &high_p);
    covering(s + left, kernel_w, stride_w, across, &low_q, &high_q);
    real sum = 0;
    for (int p = low_p; p <= high_p; p++)
        for (int q = low_q; q <= high_q; q++) {
            offset at = ((image * rows + p) * across + q) * channels + c;
            int place = (r + top - p * stride_h) * kernel_w + s + left - q * stride_w;
            if (winner[at] == place) sum += y[at];
        }
    x[t] = sum;
}

extern "C" __global__ void max_pool_at(const real* x, const mark* winner, real* y, offset total,
                                       SIZES) {
    offset t = thread_number();
    if (t >= total) return;
    int c = t % channels, q = t / channels % across, p = t / channels / across % rows;
    offset image = t / channels / across / rows;
    int r = p * stride_h - top + winner[t] / kernel_w;
    int s = q * stride_w - left + winner[t] % kernel_w;
    bool inside = r >= 0 && r < height && s >= 0 && s < width;
    y[t] = inside ? x[((image * height + r) * width + s) * channels + c] : 0;
}

extern "C" __global__ void avg_pool(const real* x, real* y, offset total, int include_padding,
                                    SIZES) {
    offset t = thread_number();
    if (t >= total) return;
    int c = t % channels, q = t / channels % across, p = t / channels / across % rows;
    offset image = t / channels / across / rows;
    real sum = 0;
    for (int k = 0; k < kernel_h; k++) {
        int r = p * stride_h - top + k;
        if (r < 0 || r >= height) continue;
        for (int l = 0; l < kernel_w; l++) {
            int s = q * stride_w - left + l;
            if (s >= 0 && s < width) sum += x[((image * height + r) * width + s) * channels + c];
        }
    }
    y[t] = sum / (counted(p, kernel_h, stride_h, top, height, include_padding)
                  * counted(q, kernel_w, stride_w, left, width, include_padding));
}

extern "C" __global__ void avg_unpool(const real* y, real* x, offset total, int include_padding,
                                      SIZES) {
    offset t = thread_number();
    if (t >= total) return;
    int c = t % channels, s = t / channels % width, r = t / channels / width % height;
    offset image = t / channels / width / height;
    int low_p, high_p, low_q, high_q;
    covering(r + top, kernel_h, stride_h, rows, &low_p, &high_p);
    covering(s + left, kernel_w, stride_w, across, &low_q, &high_q);
    real sum = 0;
    for (int p = low_p; p <= high_p; p++)
        for (int q = low_q; q <= high_q; q++)
            sum += y[((image * rows + p) * across + q) * channels + c]
                   / (counted(p, kernel_h, stride_h, top, height, include_padding)
                      * counted(q, kernel_w, stride_w, left, width, include_padding));
    x[t] = sum;
}
