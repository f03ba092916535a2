// One bit per element of an image: see minigrad/kernels/relu_mask.py. Rows are those of the image,
// with W·C elements each; `padded` is that length rounded up to whole warps.

extern "C" __global__ void pack(const real* y, byte* bits, offset rows, int length, int padded,
                                int row_bytes) {
    offset t = thread_number(), row = t / padded;
    int i = t % padded;
    if (row >= rows) return;                        // a whole warp, for padded = 32·k
    store_bit(bits + row * row_bytes, i, length, i < length && y[row * length + i] > 0);
}

extern "C" __global__ void gate(const real* y, const byte* bits, real* result, offset rows,
                                int length, int row_bytes) {
    offset t = thread_number(), row = t / length;
    if (row >= rows) return;
    result[t] = bit_at(bits + row * row_bytes, t % length) ? y[t] : 0;
}

// In place: y + bias, with an optional ReLU, and the bits of y > 0.
extern "C" __global__ void finish(real* y, const real* bias, byte* bits, offset rows, int length,
                                  int padded, int row_bytes, int channels, int relu) {
    offset t = thread_number(), row = t / padded;
    int i = t % padded;
    if (row >= rows) return;
    real value = 0;
    if (i < length) {
        value = y[row * length + i];
        if (bias) value += bias[i % channels];
        if (relu && value < 0) value = 0;
        y[row * length + i] = value;
    }
    if (bits) store_bit(bits + row * row_bytes, i, length, i < length && value > 0);
}
