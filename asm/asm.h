/* asm.h - the words shared by the assembly files: how a symbol is named, begun and ended. */
/* SPDX-License-Identifier: BSL-1.0 */
#ifndef COIR_ASM_H
#define COIR_ASM_H

/* A function that is part of the library's interface to its own inline code. Its first instruction
   is a landing pad where the instruction set has one; CFI covers it from first to last. */
#define COIR_FUNCTION(name) \
        .globl name;        \
        .type name, %function

#define COIR_FUNCTION_END(name) .size name, . - name

/* Ends every file: without the note the linker makes the program's stacks executable. */
#define COIR_END_OF_FILE .section .note.GNU-stack, "", %progbits

#endif
