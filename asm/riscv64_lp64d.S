/* riscv64_lp64d.S - the switch as a function, and the first frame of a stack; RISC-V 64 lp64d. */
/* SPDX-License-Identifier: BSL-1.0 */

#include "asm.h"

/* A context header (switch_frame in arch.hpp), and the stack of a computation that left through
   coir_context_switch. Addresses grow upwards.

        header                        stack
        +----+                        +-----------------------+
     16 | ip |  2f, below             |  frames of the caller |
        +----+                        +-----------------------+
      8 | bp |  its s0            200 |  unused               |
        +----+                    104 |  fs0 ... fs11         |
      0 | sp |--------.            16 |  s1 ... s11           |
        +----+        |             8 |  s0                   |
                      '------------>0 |  ra                   |
                                      +-----------------------+

   Not saved: fcsr, which belongs to the thread like the signal mask; the vector registers, which
   are the caller's to save.

   The inline switch (arch_riscv64.hpp) uses the same header with any other stack layout: the two
   resume each other, because a header says by itself where to go on. */

#define SP 0
#define BP 8
#define IP 16
#define FRAME 208

/* Keeps a register in the frame, and says so to the unwinder (the CFA is FRAME above sp). */
.macro  keep    store, reg, at
        \store  \reg, \at(sp)
        .cfi_offset \reg, \at - FRAME
.endm

.macro  give    load, reg, at
        \load   \reg, \at(sp)
        .cfi_restore \reg
.endm

/* Does `what` (with the instruction `op`) for all registers that the convention makes a call keep. */
.macro  each    what, op, fop
        \what   \op, ra, 0
        \what   \op, s0, 8
        \what   \op, s1, 16
        \what   \op, s2, 24
        \what   \op, s3, 32
        \what   \op, s4, 40
        \what   \op, s5, 48
        \what   \op, s6, 56
        \what   \op, s7, 64
        \what   \op, s8, 72
        \what   \op, s9, 80
        \what   \op, s10, 88
        \what   \op, s11, 96
        \what   \fop, fs0, 104
        \what   \fop, fs1, 112
        \what   \fop, fs2, 120
        \what   \fop, fs3, 128
        \what   \fop, fs4, 136
        \what   \fop, fs5, 144
        \what   \fop, fs6, 152
        \what   \fop, fs7, 160
        \what   \fop, fs8, 168
        \what   \fop, fs9, 176
        \what   \fop, fs10, 184
        \what   \fop, fs11, 192
.endm

        .text

/* coir_context_switch - stores the running computation in a header and resumes another.
     in        a0 header to fill, a1 header to resume, a2 word to send
     out       a0 header of who resumed us, a1 word it sent
     clobbers  what a call clobbers

   From the loading of sp to the jump the stack is another's. There the frame is found through the
   header just written: CFA = a0->sp + 208. */
        .p2align 2
        COIR_FUNCTION(coir_context_switch)
coir_context_switch:
        .cfi_startproc
        addi    sp, sp, -FRAME
        .cfi_def_cfa_offset FRAME
        each    keep, sd, fsd
        lla     t1, 2f
        sd      sp, SP(a0)
        sd      s0, BP(a0)
        sd      t1, IP(a0)
        ld      t1, IP(a1)
        .cfi_remember_state
        /* DW_CFA_def_cfa_expression: DW_OP_breg10 (a0) SP; DW_OP_deref; DW_OP_plus_uconst 208 */
        .cfi_escape 0x0f, 6, 0x7a, SP, 0x06, 0x23, 0xd0, 0x01
        ld      s0, BP(a1)
        ld      sp, SP(a1)
        jr      t1
        .cfi_restore_state
        nop                             /* walkers look before the place where it goes on */
2:      mv      a1, a2
        each    give, ld, fld
        addi    sp, sp, FRAME
        .cfi_def_cfa_offset 0
        ret
        .cfi_endproc
        COIR_FUNCTION_END(coir_context_switch)

/* coir_context_start - where a computation begins; reached by a switch, never by a call.

        +-----------------------+  top of the stack, aligned to 16
      8 |  unused               |
      0 |  body                 |  <- sp on arrival
        +-----------------------+

     in        a1 own header, a0 header of the resumer, a2 word sent; s0 is zero
     out       does not return: the body ends by leaving for good

   It is the root of the stack: the return address is undefined, which ends every walk, and s0 is
   zero for those that follow frame pointers. A call that never returns would leave the return
   predictor out of step: every return of who resumed us would be mispredicted. So the body is given
   the return address that a call would have left, and jumped to.

   The nop lets a walker that looks before a resume address find this function for a computation
   that has not begun. */
        .p2align 2
        .cfi_startproc
        .cfi_undefined ra
        .cfi_undefined s0
        nop
        COIR_FUNCTION(coir_context_start)
coir_context_start:
        ld      a3, 0(sp)
        mv      t1, a0
        mv      a0, a1
        mv      a1, t1
        lla     ra, 1f
        tail    coir_begin              /* no call: it leaves by a jump */
1:      ebreak
        .cfi_endproc
        COIR_FUNCTION_END(coir_context_start)

/* coir_context_walk - calls a function as if the computation in a header had called it.
     in        a0 header of a suspended computation, a1 function, a2 its argument
     out       nothing
     clobbers  what a call clobbers

   A walk that begins in the function goes on in the suspended computation: the frame of this one
   says that its caller's stack pointer, frame pointer and place are those in the header. The other
   registers are restored by the frames there, which saved them all before they switched. */
        .p2align 2
        COIR_FUNCTION(coir_context_walk)
coir_context_walk:
        .cfi_startproc
        addi    sp, sp, -16
        .cfi_def_cfa_offset 16
        sd      ra, 8(sp)
        .cfi_offset ra, -8
        sd      s1, 0(sp)
        .cfi_offset s1, -16
        mv      s1, a0
        mv      a0, a2
        .cfi_remember_state
        /* DW_CFA_def_cfa_expression: DW_OP_breg9 (s1) SP; DW_OP_deref */
        .cfi_escape 0x0f, 3, 0x79, SP, 0x06
        /* DW_CFA_expression s0, ra: DW_OP_breg9 (s1) BP, IP */
        .cfi_escape 0x10, 8, 2, 0x79, BP
        .cfi_escape 0x10, 1, 2, 0x79, IP
        .cfi_undefined s1
        jalr    a1
        .cfi_restore_state
        ld      s1, 0(sp)
        .cfi_restore s1
        ld      ra, 8(sp)
        .cfi_restore ra
        addi    sp, sp, 16
        .cfi_def_cfa_offset 0
        ret
        .cfi_endproc
        COIR_FUNCTION_END(coir_context_walk)

        .hidden coir_begin

        COIR_END_OF_FILE
