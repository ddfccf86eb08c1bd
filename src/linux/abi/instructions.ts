/** Opcodes of x86-64 that a kernel writes over its own and modules' text: call and jmp, each with a 32-bit displacement. */
export const CALL = 0xe8;
export const JMP = 0xe9;
