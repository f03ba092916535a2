// Shared by all kernels. The loader (compiler.py) puts this text in front of each of them, after
// two typedefs: `real` is float or double, and `offset` is the type of an index into an array: int,
// whose divisions are several times faster, or long long for large arrays.
//
// Images have the memory order of the host, N×H×W×C: adjacent threads work on adjacent channels, so
// the accesses of a warp coalesce. Kernels are launched with one-dimensional blocks. Each thread
// computes one element of the result, or one tile.

typedef unsigned char byte;

__device__ inline offset thread_number() {
    return (offset)blockIdx.x * blockDim.x + threadIdx.x;
}

// Bit i of a row in the order of numpy.packbits: the first bit is the highest of its byte.
__device__ inline bool bit_at(const byte* row, offset i) {
    return row[i >> 3] >> (7 - (i & 7)) & 1;
}

// Write bit i of a row of `length` bits. All 32 threads of a warp call this with consecutive i, the
// first of which is a multiple of 8; threads past the end pass 0.
__device__ inline void store_bit(byte* row, offset i, offset length, bool one) {
    unsigned word = __brev(__ballot_sync(0xffffffffu, one));     // highest bit: thread 0
    int lane = threadIdx.x & 31;
    if ((lane & 7) == 0 && i < length) row[i >> 3] = (byte)(word >> (24 - lane));
}

// Round to the 10 mantissa bits that tensor cores multiply (TF32), halves away from zero. Tensor
// cores would truncate the other bits, which doubles the error.
__device__ inline float rounded_to_tf32(float x) {
    unsigned bits = __float_as_uint(x);
    bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    return finite ? __uint_as_float((bits + 0x1000u) & 0xffffe000u) : x;
}
