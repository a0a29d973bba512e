// WebAssembly has no setjmp. libtiff jumps where libjpeg has found an error: the
// decoder ends there, with what libtiff has said.
#ifndef SANDBOX_SETJMP_H
#define SANDBOX_SETJMP_H
typedef int jmp_buf[1];
#define setjmp(buffer) ((void)(buffer), 0)
_Noreturn void end_jump(void);
#define longjmp(buffer, value) ((void)(buffer), end_jump())
#endif
