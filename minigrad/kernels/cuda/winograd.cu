// Winograd's convolution F(m×m, 3×3): see minigrad/kernels/winograd.py for the mathematics, and
// winograd.py in this folder for the calls. The loader defines
//
//     m, n = m + 2, and the functions AT(i, p), BT(p, i), G(p, i)
//
// which return elements of the matrices. All loops over them are unrolled, so the elements are
// compile-time constants, and zeros cost nothing.
//
// A thread holds one tile of one channel in registers: it reads n² pixels, multiplies from both
// sides, and writes one number to each of n² planes. cuBLAS then multiplies the planes; `rounds`
// means that it will do so in TF32.

// tiles[p·n + q] = (Bᵀ·d·B)[p, q] for `count` tiles from number `first` on, tiles×channels each.
extern "C" __global__ void image_transform(
        const float* x, const byte* gate, float* tiles, offset first, int count, int height,
        int width, int channels, int padded, int down, int across, int top, int left,
        int row_bytes, int rounds) {
    offset t = thread_number();
    int c = t % padded, local = t / padded;
    if (local >= count || c >= channels) return;
    offset tile = first + local;
    int column = tile % across * m - left;
    int row = tile / across % down * m - top;
    offset image = tile / across / down;
    float d[n][n];
    #pragma unroll
    for (int i = 0; i < n; i++) {
        int r = row + i;
        bool inside = r >= 0 && r < height;
        const float* line = x + (image * height + r) * width * channels + c;
        const byte* open = gate ? gate + (image * height + r) * row_bytes : gate;
        #pragma unroll
        for (int j = 0; j < n; j++) {
            int s = column + j;
            bool counts = inside && s >= 0 && s < width;
            if (counts && open) counts = bit_at(open, (offset)s * channels + c);
            d[i][j] = counts ? line[(offset)s * channels] : 0;
        }
    }
    #pragma unroll
    for (int j = 0; j < n; j++) {                   // d ← Bᵀ·d, column by column
        float e[n];
        #pragma unroll
        for (int p = 0; p < n; p++) {
            e[p] = 0;
            #pragma unroll
            for (int i = 0; i < n; i++) if (BT(p, i) != 0) e[p] += BT(p, i) * d[i][j];
        }
        #pragma unroll
        for (int p = 0; p < n; p++) d[p][j] = e[p];
    }
    offset plane = (offset)count * channels;
    float* out = tiles + (offset)local * channels + c;
    #pragma unroll
    for (int p = 0; p < n; p++) {                   // d·B, row by row
        #pragma unroll
        for (int q = 0; q < n; q++) {
            float sum = 0;
            #pragma unroll
            for (int j = 0; j < n; j++) if (BT(q, j) != 0) sum += BT(q, j) * d[p][j];
            out[(p * n + q) * plane] = rounds ? rounded_to_tf32(sum) : sum;
        }
    }
}

// y = Aᵀ·M·A + bias for the m² pixels of each tile, with an optional ReLU and optional bits of y >
// 0 (the number of filters is then a multiple of 8).
extern "C" __global__ void result_transform(
        const float* products, const float* bias, float* y, byte* bits, offset first, int count,
        int height, int width, int filters, int padded, int down, int across, int row_bytes,
        int relu) {
    offset t = thread_number();
    int k = t % padded, local = t / padded;
    if (local >= count) return;                     // a whole warp, for padded = 32·k
    bool counts = k < filters;
    offset tile = first + local;
    int column = tile % across * m, row = tile / across % down * m;
    offset image = tile / across / down;
    offset plane = (offset)count * filters;
    const float* in = products + (offset)local * filters + (counts ? k : 0);
    float e[m][n];
    #pragma unroll
    for (int q = 0; q < n; q++) {                   // e = Aᵀ·M, column by column
        float d[n];
        #pragma unroll
        for (int p = 0; p < n; p++) d[p] = in[(p * n + q) * plane];
        #pragma unroll
        for (int i = 0; i < m; i++) {
            e[i][q] = 0;
            #pragma unroll
            for (int p = 0; p < n; p++) if (AT(i, p) != 0) e[i][q] += AT(i, p) * d[p];
        }
    }
    float shift = bias && counts ? bias[k] : 0;
    #pragma unroll
    for (int i = 0; i < m; i++) {
        int r = row + i;
        if (r >= height) break;                     // the same for all threads of a warp
        #pragma unroll
        for (int j = 0; j < m; j++) {
            int s = column + j;
            float sum = shift;
            #pragma unroll
            for (int q = 0; q < n; q++) if (AT(j, q) != 0) sum += AT(j, q) * e[i][q];
            if (relu && sum < 0) sum = 0;
            if (s >= width) continue;               // likewise
            offset line = (image * height + r) * width;
            if (counts) y[(line + s) * filters + k] = sum;
            if (bits) store_bit(bits + (image * height + r) * row_bytes,
                                (offset)s * filters + k, (offset)(s + 1) * filters,
                                counts && sum > 0);
        }
    }
}

// planes[p·n + q] = (G·g·Gᵀ)[p, q], channels×filters each, for weights filters×channels×3×3.
// Computed in double: this happens once, and small weights must not lose digits.
extern "C" __global__ void weight_transform(const float* weight, float* planes, int channels,
                                            int filters, int rounds) {
    offset t = thread_number();
    if (t >= (offset)channels * filters) return;
    int k = t % filters, c = t / filters;
    const float* g = weight + ((offset)k * channels + c) * 9;
    double d[n][3];
    #pragma unroll
    for (int p = 0; p < n; p++)
        #pragma unroll
        for (int j = 0; j < 3; j++)
            d[p][j] = G(p, 0) * g[j] + G(p, 1) * g[3 + j] + G(p, 2) * g[6 + j];
    #pragma unroll
    for (int p = 0; p < n; p++)
        #pragma unroll
        for (int q = 0; q < n; q++) {
            float sum = (float)(d[p][0] * G(q, 0) + d[p][1] * G(q, 1) + d[p][2] * G(q, 2));
            planes[(p * n + q) * (offset)channels * filters + t] =
                rounds ? rounded_to_tf32(sum) : sum;
        }
}
