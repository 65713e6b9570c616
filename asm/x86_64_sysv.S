/* x86_64_sysv.S - the switch as a function, and the first frame of a stack; x86-64 System V. */
/* SPDX-License-Identifier: BSL-1.0 */

#include "asm.h"

/* A context header (switch_frame in arch.hpp), and the stack of a computation that left through
   coir_context_switch. Addresses grow upwards.

        header                        stack
        +----+                        +-----------------------+
     16 | ip |  2f, below             |  frames of the caller |
        +----+                        +-----------------------+
      8 | bp |  its rbp            40 |  return address       |  pushed by the call
        +----+                        +-----------------------+
      0 | sp |--------.            32 |  rbx                  |
        +----+        |            24 |  r12                  |
                      |            16 |  r13                  |
                      |             8 |  r14                  |
                      '------------>0 |  r15                  |
                                      +-----------------------+

   Not saved: mxcsr and the x87 control word. The convention makes them callee-saved, but they are
   settings of the thread that hardly any code changes, and saving them costs several switches. Who
   changes them in one computation saves them around its own switches. The signal mask is the
   thread's as well. All vector registers are the caller's to save.

   The inline switch (arch_x86_64.hpp) uses the same header with any other stack layout: the two
   resume each other, because a header says by itself where to go on. */

#define SP 0
#define BP 8
#define IP 16

        .text

/* coir_context_switch - stores the running computation in a header and resumes another.
     in        rdi header to fill, rsi header to resume, rdx word to send
     out       rax header of who resumed us, rdx word it sent
     clobbers  what a call clobbers

   From the loading of rsp to the jump the stack is another's, and rules relative to rsp would read
   it. There the frame is found through the header just written: CFA = rdi->sp + 48, and rbp in
   rdi->bp. The registers pushed keep their place relative to the CFA. */
        .p2align 4
        COIR_FUNCTION(coir_context_switch)
coir_context_switch:
        .cfi_startproc
        endbr64
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        leaq    2f(%rip), %rax
        movq    %rsp, SP(%rdi)
        movq    %rbp, BP(%rdi)
        movq    %rax, IP(%rdi)
        .cfi_remember_state
        /* DW_CFA_def_cfa_expression: DW_OP_breg5 (rdi) SP; DW_OP_deref; DW_OP_plus_uconst 48 */
        .cfi_escape 0x0f, 5, 0x75, SP, 0x06, 0x23, 48
        /* DW_CFA_expression rbp: DW_OP_breg5 (rdi) BP */
        .cfi_escape 0x10, 6, 2, 0x75, BP
        movq    SP(%rsi), %rsp
        movq    BP(%rsi), %rbp
        jmpq    *IP(%rsi)
        .cfi_restore_state
        nop                             /* walkers look before the place where it goes on */
2:      endbr64
        movq    %rdi, %rax
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        ret
        .cfi_endproc
        COIR_FUNCTION_END(coir_context_switch)

/* coir_context_start - where a computation begins; reached by a switch, never by a call.

        +-----------------------+  top of the stack, aligned to 16
      8 |  unused               |
      0 |  body                 |  <- rsp on arrival
        +-----------------------+

     in        rsi own header, rdi header of the resumer, rdx word sent; rbp is zero
     out       does not return: the body ends by leaving for good

   It is the root of the stack: the return address is undefined, which ends every walk, and rbp is
   zero for those that follow frame pointers. A call that never returns would leave the return
   predictor out of step: every return of who resumed us would be mispredicted. So the body is given
   the return address that a call would have pushed, and jumped to.

   The nop lets a walker that looks at the byte before a resume address find this function for a
   computation that has not begun. */
        .p2align 4
        .cfi_startproc
        .cfi_undefined %rip
        .cfi_undefined %rbp
        nop
        COIR_FUNCTION(coir_context_start)
coir_context_start:
        endbr64
        movq    0(%rsp), %rcx
        xchgq   %rdi, %rsi
        leaq    1f(%rip), %rax
        pushq   %rax
        jmp     coir_begin              /* no call: it leaves by a jump */
1:      ud2
        .cfi_endproc
        COIR_FUNCTION_END(coir_context_start)

/* coir_context_walk - calls a function as if the computation in a header had called it.
     in        rdi header of a suspended computation, rsi function, rdx its argument
     out       nothing
     clobbers  what a call clobbers

   A walk that begins in the function goes on in the suspended computation: the frame of this one
   says that its caller's stack pointer, frame pointer and place are those in the header. The other
   registers are restored by the frames there, which saved them all before they switched. */
        .p2align 4
        COIR_FUNCTION(coir_context_walk)
coir_context_walk:
        .cfi_startproc
        endbr64
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        movq    %rdi, %rbx
        movq    %rdx, %rdi
        .cfi_remember_state
        /* DW_CFA_def_cfa_expression: DW_OP_breg3 (rbx) SP; DW_OP_deref */
        .cfi_escape 0x0f, 3, 0x73, SP, 0x06
        /* DW_CFA_expression rbp, rip: DW_OP_breg3 (rbx) BP, IP */
        .cfi_escape 0x10, 6, 2, 0x73, BP
        .cfi_escape 0x10, 16, 2, 0x73, IP
        .cfi_undefined %rbx
        call    *%rsi
        .cfi_restore_state
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        ret
        .cfi_endproc
        COIR_FUNCTION_END(coir_context_walk)

        .hidden coir_begin

/* The file lands on endbr64 wherever it is jumped to, so it is marked for IBT. It is not marked for
   SHSTK: a switch leaves the return addresses of one stack and goes on with those of another, which
   a shadow stack does not allow. One object without the mark keeps the linker from setting it. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5                /* name size, descriptor size, NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000002, 4, 1, 0     /* GNU_PROPERTY_X86_FEATURE_1_AND: IBT */

        COIR_END_OF_FILE
