#ifndef RAW_SYSCALL_H
#define RAW_SYSCALL_H

#include <stddef.h>

// The C library cannot be used in a child that shares the parent's memory: its wrappers write the parent's
// errno, take its locks, and some (setuid) signal its threads.

#if defined(__x86_64__)

/// A system call without the C library: the kernel's result, a negated errno on failure.
static inline long raw_syscall(long number, long a, long b, long c, long d, long e)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

/// A clone or clone3 whose child continues at `entry(argument)` on the stack that `a` and `b` name, and never
/// returns. The parent gets the child's process ID or a negated errno.
static inline long raw_clone(long number, long a, long b, long c, void (*entry)(void *), void *argument)
{
    // clone's last two arguments are not used by the flags set here.
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    register void (*r12)(void *) __asm__("r12") = entry;
    register void *r13 __asm__("r13") = argument;
    long result;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"  // The outermost frame.
                     "movq %%r13, %%rdi\n\t"
                     "callq *%%r12\n\t"
                     "ud2\n"
                     "1:"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r12), "r"(r13)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

#elif defined(__aarch64__)

/// A system call without the C library: the kernel's result, a negated errno on failure.
static inline long raw_syscall(long number, long a, long b, long c, long d, long e)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
                     : "memory", "cc");
    return x0;
}

/// A clone or clone3 whose child continues at `entry(argument)` on the stack that `a` and `b` name, and never
/// returns. The parent gets the child's process ID or a negated errno.
static inline long raw_clone(long number, long a, long b, long c, void (*entry)(void *), void *argument)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    // clone's last two arguments are not used by the flags set here.
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    register void (*x10)(void *) __asm__("x10") = entry;
    register void *x11 __asm__("x11") = argument;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"  // The outermost frame.
                     "mov x30, xzr\n\t"
                     "mov x0, x11\n\t"
                     "blr x10\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x10), "r"(x11)
                     : "memory", "cc");
    return x0;
}

#else
#error "raw_syscall and raw_clone are written for x86-64 and aarch64"
#endif

#endif
