// What all kernels share. The loader (compiler.py) puts this text in front of each of them, after
// two lines that say what `real` is (float or double) and what `offset`, which counts the numbers
// of an array: int, whose divisions are several times faster, or long long for large arrays.
//
// Images lie in memory as they do on the host, N×H×W×C: neighbouring threads work on
// neighbouring channels, so that a warp reads and writes in one piece. Kernels are launched
// with blocks in one dimension; each thread has one number of the result to make, or one tile.

typedef unsigned char byte;

__device__ inline offset thread_number() {
    return (offset)blockIdx.x * blockDim.x + threadIdx.x;
}

// Bit i of a row, as numpy.packbits lays bits out: the first is the highest of its byte.
__device__ inline bool bit_at(const byte* row, offset i) {
    return row[i >> 3] >> (7 - (i & 7)) & 1;
}

// Write bit i of a row of `length` bits. All 32 threads of a warp come here with consecutive i,
// the first of them a multiple of 8; those past the end bring a 0.
__device__ inline void store_bit(byte* row, offset i, offset length, bool one) {
    unsigned word = __brev(__ballot_sync(0xffffffffu, one));     // of thread 0: the highest
    int lane = threadIdx.x & 31;
    if ((lane & 7) == 0 && i < length) row[i >> 3] = (byte)(word >> (24 - lane));
}

// The nearest number with the 10 bits after the point that tensor cores multiply (TF32), halves
// away from zero. They would cut the other bits off, which makes the error twice as large.
__device__ inline float rounded_to_tf32(float x) {
    unsigned bits = __float_as_uint(x);
    bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    return finite ? __uint_as_float((bits + 0x1000u) & 0xffffe000u) : x;
}
