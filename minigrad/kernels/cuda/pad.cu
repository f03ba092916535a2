// Borders around images: see minigrad/kernels/pad.py.

enum { ZEROS, REFLECT, REPLICATE };

// Index of the source pixel of position i on an axis of `length`; −1 for none.
__device__ inline int source(int i, int length, int mode) {
    if (i >= 0 && i < length) return i;
    if (mode == ZEROS) return -1;
    if (mode == REPLICATE) return i < 0 ? 0 : length - 1;
    return i < 0 ? -i : 2 * (length - 1) - i;
}

extern "C" __global__ void pad(const real* x, real* y, offset total, int height, int width,
                               int channels, int rows, int across, int top, int left, int mode,
                               real value) {
    offset t = thread_number();
    if (t >= total) return;
    int c = t % channels, q = t / channels % across, p = t / channels / across % rows;
    offset image = t / channels / across / rows;
    int r = source(p - top, height, mode), s = source(q - left, width, mode);
    y[t] = r < 0 || s < 0 ? value : x[((image * height + r) * width + s) * channels + c];
}

// Each pixel sums all positions that show it: itself, and its copies in the border.
extern "C" __global__ void pad_adjoint(const real* y, real* x, offset total, int height,
                                       int width, int channels, int rows, int across, int top,
                                       int left, int mode) {
    offset t = thread_number();
    if (t >= total) return;
    int c = t % channels, s = t / channels % width, r = t / channels / width % height;
    offset image = t / channels / width / height;
    const real* in = y + image * rows * across * channels + c;
    // Nearly all pixels are shown once; only those near an edge search the border.
    bool edge_r = mode != ZEROS && (r <= top || height - 1 - r <= rows - top - height);
    bool edge_s = mode != ZEROS && (s <= left || width - 1 - s <= across - left - width);
    real sum = 0;
    for (int p = edge_r ? 0 : r + top; p < (edge_r ? rows : r + top + 1); p++) {
        if (source(p - top, height, mode) != r) continue;
        for (int q = edge_s ? 0 : s + left; q < (edge_s ? across : s + left + 1); q++)
            if (source(q - left, width, mode) == s) sum += in[((offset)p * across + q) * channels];
    }
    x[t] = sum;
}
