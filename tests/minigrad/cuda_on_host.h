// CUDA's words for a C++ compiler of the host, so that the very text of the kernels runs there,
// one thread after the other. Threads that wait for each other (__syncthreads, __ballot_sync)
// are fibres with stacks of their own: each runs until it waits, then the next one has its turn.
// A thread that is gone where others wait for it is a mistake on a GPU, too, and is reported.

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmath>

#define __global__
#define __device__
#define __shared__ static

using std::sqrt;

struct Place { unsigned x, y, z; };
static Place threadIdx, blockIdx, blockDim, gridDim;

struct alignas(16) float4 { float x, y, z, w; };
struct alignas(4) uchar4 { unsigned char x, y, z, w; };

namespace host {

const int MOST = 1024, STACK = 1 << 16;
static jmp_buf scheduler, fibres[MOST];
static ucontext_t starts[MOST], home;
static bool begun[MOST], gone[MOST], votes[MOST];
static float offers[MOST];
static char* stacks = 0;
static int waits[MOST];                             // how often each thread of the block has waited
static int current, mistakes;
static void (*body)(void*);
static void* body_data;

inline void wait() {
    waits[current]++;
    if (!_setjmp(fibres[current])) _longjmp(scheduler, 1);
}

inline bool missing(unsigned thread) {              // has it ended without waiting as often as we?
    return thread >= blockDim.x || (gone[thread] && waits[thread] < waits[current]);
}

static void start() {
    body(body_data);
    gone[current] = true;
    _longjmp(scheduler, 1);
}

inline void turn(int thread) {                      // run one thread until it waits or ends
    current = thread;
    threadIdx.x = thread;
    if (_setjmp(scheduler)) return;
    if (begun[thread]) _longjmp(fibres[thread], 1);
    begun[thread] = true;
    getcontext(&starts[thread]);
    starts[thread].uc_stack.ss_sp = stacks + (size_t)thread * STACK;
    starts[thread].uc_stack.ss_size = STACK;
    starts[thread].uc_link = &home;
    makecontext(&starts[thread], start, 0);
    setcontext(&starts[thread]);
}

inline void block_of_fibres() {
    if (!stacks) stacks = (char*)malloc((size_t)MOST * STACK);
    int threads = blockDim.x;
    memset(begun, 0, sizeof begun);
    memset(gone, 0, sizeof gone);
    memset(waits, 0, sizeof waits);
    for (bool left = true; left;) {
        left = false;
        for (int t = 0; t < threads; t++)
            if (!gone[t]) {
                turn(t);
                left = left || !gone[t];
            }
    }
}

template <class Function> void call(void* function) { (*(Function*)function)(); }

template <class Function> int launch(unsigned grid, unsigned block, bool waiting, Function thread) {
    mistakes = 0;
    gridDim = {grid, 1, 1};
    blockDim = {block, 1, 1};
    blockIdx = threadIdx = {0, 0, 0};
    body = call<Function>;
    body_data = &thread;
    for (unsigned b = 0; b < grid; b++) {
        blockIdx.x = b;
        if (waiting) block_of_fibres();
        else for (threadIdx.x = 0; threadIdx.x < block; threadIdx.x++) thread();
    }
    return mistakes;
}

}  // namespace host

inline void __syncthreads() {
    host::wait();
    // Where one is missing, somebody's next neighbour is, or all are.
    host::mistakes += host::missing((threadIdx.x + 1) % blockDim.x);
}

inline unsigned __ballot_sync(unsigned mask, bool vote) {
    unsigned word = 0, first = threadIdx.x & ~31u;
    host::votes[threadIdx.x] = vote;
    host::wait();
    for (unsigned lane = 0; lane < 32; lane++) {
        unsigned t = first + lane;
        if (!(mask >> lane & 1)) continue;
        if (host::missing(t)) host::mistakes++;
        else word |= (unsigned)host::votes[t] << lane;
    }
    host::wait();                                   // nobody votes again before all have counted
    return word;
}

inline float __shfl_xor_sync(unsigned, float value, int distance) {
    unsigned other = threadIdx.x ^ distance;
    host::offers[threadIdx.x] = value;
    host::wait();
    if (host::missing(other)) host::mistakes++;
    value = host::offers[other];
    host::wait();                                   // nobody offers again before all have taken
    return value;
}

inline unsigned __brev(unsigned word) {
    unsigned turned = 0;
    for (int bit = 0; bit < 32; bit++) turned |= (word >> bit & 1) << (31 - bit);
    return turned;
}

inline double __longlong_as_double(long long bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

inline unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
