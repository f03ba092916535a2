// Convolution as a matrix product, for any stride, dilation and kernel: see
// minigrad/kernels/im2col.py. A row of the column matrix holds the K·L·c numbers in the window of
// one output pixel, for one group of c channels (of `channels`, from number `lowest` on).

// Rows for the output pixels from number `first` on, numbered over images and rows.
extern "C" __global__ void windows(
        const real* x, real* columns, offset first, offset count, int height, int width,
        int channels, int lowest, int c, int kernel_h, int kernel_w, int rows, int across,
        int stride_h, int stride_w, int dilation_h, int dilation_w, int top, int left) {
    offset t = thread_number();
    int length = kernel_h * kernel_w * c;
    if (t >= count * length) return;
    offset pixel = first + t / length;
    int place = t % length;
    int channel = place % c, l = place / c % kernel_w, k = place / c / kernel_w;
    int r = pixel / across % rows * stride_h + k * dilation_h - top;
    int s = pixel % across * stride_w + l * dilation_w - left;
    offset image = pixel / across / rows;
    bool inside = r >= 0 && r < height && s >= 0 && s < width;
    columns[t] = inside ? x[((image * height + r) * width + s) * channels + lowest + channel] : 0;
}

// The adjoint: pixel (row, s) of image `image` sums its elements of all windows, for the image rows
// from `first_row` on. `columns` has the output rows from `lowest_row` to `highest_row`, all whose
// windows touch these pixels. Each thread has one pixel, so there are no atomics.
extern "C" __global__ void collect(
        const real* columns, real* x, offset image, int first_row, int last_row, int lowest_row,
        int highest_row, int height, int width, int channels, int lowest, int c, int kernel_h,
        int kernel_w, int across, int stride_h, int stride_w, int dilation_h, int dilation_w,
        int top, int left) {
    offset t = thread_number();
    int channel = t % c, s = t / c % width, r = first_row + (int)(t / c / width);
    if (r > last_row) return;
    real sum = 0;
    for (int k = 0; k < kernel_h; k++) {
        int i = r + top - k * dilation_h;           // = output row · stride
        if (i < 0 || i % stride_h || i / stride_h < lowest_row || i / stride_h > highest_row)
            continue;
        for (int l = 0; l < kernel_w; l++) {
            int j = s + left - l * dilation_w;
            if (j < 0 || j % stride_w || j / stride_w >= across) continue;
            offset pixel = (offset)(i / stride_h - lowest_row) * across + j / stride_w;
            sum += columns[((pixel * kernel_h + k) * kernel_w + l) * c + channel];
        }
    }
    x[((image * height + r) * width + s) * channels + lowest + channel] = sum;
}
