/*
 * Runs small pieces of machine code on the real processor and reports registers, flags and data afterwards.
 * Child process of the instruction tests; it is the only thing in the project that executes guest code
 * natively. Reads records from standard input, writes records to standard output. With VECTORS defined the
 * records hold YMM0 to YMM15 too.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE 0x7ffef0100000ul
#define DATA 0x7ffef0010000ul
#define DATA_SIZE 256

struct input {
	uint64_t regs[16];
	uint64_t flags;
	uint8_t data[DATA_SIZE];
	uint8_t code[120];
	uint64_t length;
#ifdef VECTORS
	uint8_t vectors[16][32];
#endif
};

struct output {
	uint64_t regs[16];
	uint64_t flags;
	uint8_t data[DATA_SIZE];
	uint64_t signal;
	uint64_t rip;
	uint64_t address;
#ifdef VECTORS
	uint8_t vectors[16][32];
#endif
};

uint64_t in_regs[16], in_flags, out_regs[16], out_flags, host_rsp, code_at = CODE;

#ifdef VECTORS
uint8_t in_vectors[16][32], out_vectors[16][32];

#define MOVE(n) "vmovdqu ymm" #n ", in_vectors[rip+" #n "*32]\n"
#define BACK(n) "vmovdqu out_vectors[rip+" #n "*32], ymm" #n "\n"
#define ALL(m) m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) m(13) m(14) m(15)
#define LOAD_VECTORS ALL(MOVE)
#define STORE_VECTORS ALL(BACK) "vzeroupper\n"
#else
#define LOAD_VECTORS
#define STORE_VECTORS
#endif

void enter(void);
void leave(void);

__asm__(
	".intel_syntax noprefix\n"
	"enter:\n"
	"push rbx; push rbp; push r12; push r13; push r14; push r15\n"
	"mov host_rsp[rip], rsp\n"
	LOAD_VECTORS
	"push qword ptr in_flags[rip]; popfq\n"
	"mov rax, in_regs[rip]; mov rcx, in_regs[rip+8]; mov rdx, in_regs[rip+16]; mov rbx, in_regs[rip+24]\n"
	"mov rbp, in_regs[rip+40]; mov rsi, in_regs[rip+48]; mov rdi, in_regs[rip+56]; mov r8, in_regs[rip+64]\n"
	"mov r9, in_regs[rip+72]; mov r10, in_regs[rip+80]; mov r11, in_regs[rip+88]; mov r12, in_regs[rip+96]\n"
	"mov r13, in_regs[rip+104]; mov r14, in_regs[rip+112]; mov r15, in_regs[rip+120]; mov rsp, in_regs[rip+32]\n"
	"jmp qword ptr code_at[rip]\n"
	"leave:\n"
	"mov out_regs[rip], rax; mov out_regs[rip+8], rcx; mov out_regs[rip+16], rdx; mov out_regs[rip+24], rbx\n"
	"mov out_regs[rip+32], rsp; mov out_regs[rip+40], rbp; mov out_regs[rip+48], rsi; mov out_regs[rip+56], rdi\n"
	"mov out_regs[rip+64], r8; mov out_regs[rip+72], r9; mov out_regs[rip+80], r10; mov out_regs[rip+88], r11\n"
	"mov out_regs[rip+96], r12; mov out_regs[rip+104], r13; mov out_regs[rip+112], r14; mov out_regs[rip+120], r15\n"
	"mov rsp, host_rsp[rip]\n"
	"pushfq; pop qword ptr out_flags[rip]; cld\n"
	STORE_VECTORS
	"pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx\n"
	"ret\n"
	".att_syntax\n");

static sigjmp_buf back;
static struct output out;

static void on_signal(int number, siginfo_t *info, void *context)
{
	/* In the order of machine encodings. */
	static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
				       REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	for (int i = 0; i < 16; i++)
		out.regs[i] = g[order[i]];
	out.flags = g[REG_EFL];
	out.signal = number;
	out.rip = g[REG_RIP];
	out.address = number == SIGSEGV ? (uint64_t)info->si_addr : 0;
#ifdef VECTORS
	/* The lower halves in the legacy area, the upper ones at their place of the standard XSAVE format. */
	uint8_t *area = (uint8_t *)((ucontext_t *)context)->uc_mcontext.fpregs;
	int upper = (((uint64_t *)(area + 512))[0] & 4) != 0;

	for (int i = 0; i < 16; i++) {
		memcpy(out.vectors[i], area + 160 + i * 16, 16);
		if (upper)
			memcpy(out.vectors[i] + 16, area + 576 + i * 16, 16);
	}
#endif
	siglongjmp(back, 1);
}

int main(int argc, char **argv)
{
	static uint8_t stack[65536];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct input in;

	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
	}
	if (mmap((void *)DATA, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) !=
		    (void *)DATA ||
	    mmap((void *)CODE, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)CODE)
		return 2;
	sigaltstack(&alternative, NULL);
	int signals[] = { SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS };
	for (int i = 0; i < 5; i++)
		sigaction(signals[i], &action, NULL);
	while (fread(&in, sizeof in, 1, stdin) == 1) {
		uint8_t *code = (uint8_t *)CODE;
		uint64_t target = (uint64_t)leave;

		memset(&out, 0, sizeof out);
		memset(code, 0xcc, 256);
		memcpy(code, in.code, in.length);
		memcpy(code + in.length, "\xff\x25\0\0\0\0", 6);
		memcpy(code + in.length + 6, &target, 8);
		memcpy((void *)DATA, in.data, DATA_SIZE);
		memset((uint8_t *)DATA + DATA_SIZE, 0, 0x1000 - DATA_SIZE);
		memcpy(in_regs, in.regs, sizeof in_regs);
		in_flags = in.flags;
#ifdef VECTORS
		memcpy(in_vectors, in.vectors, sizeof in_vectors);
#endif
		if (!sigsetjmp(back, 1)) {
			enter();
			memcpy(out.regs, out_regs, sizeof out_regs);
			out.flags = out_flags;
#ifdef VECTORS
			memcpy(out.vectors, out_vectors, sizeof out_vectors);
#endif
		}
		memcpy(out.data, (void *)DATA, DATA_SIZE);
		fwrite(&out, sizeof out, 1, stdout);
	}
	return 0;
}
