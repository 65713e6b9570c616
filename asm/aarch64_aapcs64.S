/* aarch64_aapcs64.S - the switch as a function, and the first frame of a stack; AArch64 AAPCS64. */
/* SPDX-License-Identifier: BSL-1.0 */

#include "asm.h"

/* A context header (switch_frame in arch.hpp), and the stack of a computation that left through
   coir_context_switch. Addresses grow upwards.

        header                        stack
        +----+                        +-----------------------+
     16 | ip |  2f, below             |  frames of the caller |
        +----+                        +-----------------------+
      8 | bp |  its x29           144 |  d14, d15             |
        +----+                    128 |  d12, d13             |
      0 | sp |--------.           112 |  d10, d11             |
        +----+        |            96 |  d8, d9               |
                      |            80 |  x27, x28             |
                      |            64 |  x25, x26             |
                      |            48 |  x23, x24             |
                      |            32 |  x21, x22             |
                      |            16 |  x19, x20             |
                      '------------>0 |  x29, x30             |
                                      +-----------------------+

   Not saved: fpcr, which belongs to the thread like the signal mask; the high halves of v8-v15 and
   all other vector registers, which are the caller's to save.

   The inline switch (arch_aarch64.hpp) uses the same header with any other stack layout: the two
   resume each other, because a header says by itself where to go on. */

#define SP 0
#define BP 8
#define IP 16
#define FRAME 160

        .text

/* coir_context_switch - stores the running computation in a header and resumes another.
     in        x0 header to fill, x1 header to resume, x2 word to send
     out       x0 header of who resumed us, x1 word it sent
     clobbers  what a call clobbers

   From the moving of sp to the jump the stack is another's. There the frame is found through the
   header just written: CFA = x0->sp + 160. x29 is found on the stack like the rest. */
        .p2align 4
        COIR_FUNCTION(coir_context_switch)
coir_context_switch:
        .cfi_startproc
        hint    #34                     /* bti c */
        stp     x29, x30, [sp, #-FRAME]!
        .cfi_def_cfa_offset FRAME
        .cfi_offset x29, -160
        .cfi_offset x30, -152
        stp     x19, x20, [sp, #16]
        .cfi_offset x19, -144
        .cfi_offset x20, -136
        stp     x21, x22, [sp, #32]
        .cfi_offset x21, -128
        .cfi_offset x22, -120
        stp     x23, x24, [sp, #48]
        .cfi_offset x23, -112
        .cfi_offset x24, -104
        stp     x25, x26, [sp, #64]
        .cfi_offset x25, -96
        .cfi_offset x26, -88
        stp     x27, x28, [sp, #80]
        .cfi_offset x27, -80
        .cfi_offset x28, -72
        stp     d8, d9, [sp, #96]
        .cfi_offset d8, -64
        .cfi_offset d9, -56
        stp     d10, d11, [sp, #112]
        .cfi_offset d10, -48
        .cfi_offset d11, -40
        stp     d12, d13, [sp, #128]
        .cfi_offset d12, -32
        .cfi_offset d13, -24
        stp     d14, d15, [sp, #144]
        .cfi_offset d14, -16
        .cfi_offset d15, -8
        adr     x17, 2f
        mov     x16, sp
        stp     x16, x29, [x0, #SP]
        str     x17, [x0, #IP]
        ldp     x16, x9, [x1, #SP]
        ldr     x17, [x1, #IP]
        .cfi_remember_state
        /* DW_CFA_def_cfa_expression: DW_OP_breg0 (x0) SP; DW_OP_deref; DW_OP_plus_uconst 160 */
        .cfi_escape 0x0f, 6, 0x70, SP, 0x06, 0x23, 0xa0, 0x01
        mov     x29, x9
        mov     sp, x16
        br      x17
        .cfi_restore_state
        nop                             /* walkers look before the place where it goes on */
2:      hint    #36                     /* bti j */
        mov     x1, x2
        ldp     x19, x20, [sp, #16]
        .cfi_restore x19
        .cfi_restore x20
        ldp     x21, x22, [sp, #32]
        .cfi_restore x21
        .cfi_restore x22
        ldp     x23, x24, [sp, #48]
        .cfi_restore x23
        .cfi_restore x24
        ldp     x25, x26, [sp, #64]
        .cfi_restore x25
        .cfi_restore x26
        ldp     x27, x28, [sp, #80]
        .cfi_restore x27
        .cfi_restore x28
        ldp     d8, d9, [sp, #96]
        .cfi_restore d8
        .cfi_restore d9
        ldp     d10, d11, [sp, #112]
        .cfi_restore d10
        .cfi_restore d11
        ldp     d12, d13, [sp, #128]
        .cfi_restore d12
        .cfi_restore d13
        ldp     d14, d15, [sp, #144]
        .cfi_restore d14
        .cfi_restore d15
        ldp     x29, x30, [sp], #FRAME
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        ret
        .cfi_endproc
        COIR_FUNCTION_END(coir_context_switch)

/* coir_context_start - where a computation begins; reached by a switch, never by a call.

        +-----------------------+  top of the stack, aligned to 16
      8 |  unused               |
      0 |  body                 |  <- sp on arrival
        +-----------------------+

     in        x1 own header, x0 header of the resumer, x2 word sent; x29 is zero
     out       does not return: the body ends by leaving for good

   It is the root of the stack: the return address is undefined, which ends every walk, and x29 is
   zero for those that follow frame pointers. A call that never returns would leave the return
   predictor out of step: every return of who resumed us would be mispredicted. So the body is given
   the return address that a call would have left, and jumped to.

   The nop lets a walker that looks before a resume address find this function for a computation
   that has not begun. */
        .p2align 4
        .cfi_startproc
        .cfi_undefined x30
        .cfi_undefined x29
        nop
        COIR_FUNCTION(coir_context_start)
coir_context_start:
        hint    #38                     /* bti jc */
        ldr     x3, [sp]
        mov     x9, x0
        mov     x0, x1
        mov     x1, x9
        adr     x30, 1f
        b       coir_begin              /* no call: it leaves by a jump */
1:      brk     #0
        .cfi_endproc
        COIR_FUNCTION_END(coir_context_start)

/* coir_context_walk - calls a function as if the computation in a header had called it.
     in        x0 header of a suspended computation, x1 function, x2 its argument
     out       nothing
     clobbers  what a call clobbers

   A walk that begins in the function goes on in the suspended computation: the frame of this one
   says that its caller's stack pointer, frame pointer and place are those in the header. The other
   registers are restored by the frames there, which saved them all before they switched. */
        .p2align 4
        COIR_FUNCTION(coir_context_walk)
coir_context_walk:
        .cfi_startproc
        hint    #34                     /* bti c */
        stp     x19, x30, [sp, #-16]!
        .cfi_def_cfa_offset 16
        .cfi_offset x19, -16
        .cfi_offset x30, -8
        mov     x19, x0
        mov     x0, x2
        .cfi_remember_state
        /* DW_CFA_def_cfa_expression: DW_OP_breg19 (x19) SP; DW_OP_deref */
        .cfi_escape 0x0f, 3, 0x83, SP, 0x06
        /* DW_CFA_expression x29, x30: DW_OP_breg19 (x19) BP, IP */
        .cfi_escape 0x10, 29, 2, 0x83, BP
        .cfi_escape 0x10, 30, 2, 0x83, IP
        .cfi_undefined x19
        blr     x1
        .cfi_restore_state
        ldp     x19, x30, [sp], #16
        .cfi_def_cfa_offset 0
        .cfi_restore x19
        .cfi_restore x30
        ret
        .cfi_endproc
        COIR_FUNCTION_END(coir_context_walk)

        .hidden coir_begin

/* The file lands on bti wherever it is jumped to. No return address is signed: it need not be, for
   x30 is saved and restored within one computation's frame. */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5                /* name size, descriptor size, NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000000, 4, 1, 0     /* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI */

        COIR_END_OF_FILE
