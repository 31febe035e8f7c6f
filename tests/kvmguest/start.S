/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bare-metal guest: entry (x0 is the number of the vCPU) and exception vectors.
 */
#include "kvmguest.h"

	.section .text.start, "ax"
	.global	_start
_start:
	adrp	x1, stacks
	add	x1, x1, :lo12:stacks
	add	x2, x0, #1
	lsl	x2, x2, #12
	add	x1, x1, x2
	mov	sp, x1
	adrp	x1, vectors
	add	x1, x1, :lo12:vectors
	msr	vbar_el1, x1
	isb
	bl	guest_main
0:	wfi
	b	0b

	/* Every exception but an IRQ is an error. */
	.macro	bad
	.balign	128
	b	oops
	.endm

	.balign	2048
vectors:
	.rept	5
	bad
	.endr
	.balign	128
	b	irq
	.rept	10
	bad
	.endr

oops:
	mrs	x0, esr_el1
	mrs	x1, elr_el1
	bl	guest_panic
0:	wfi
	b	0b

	/* Nothing nests, so ELR and SPSR stay as they are. */
irq:
	sub	sp, sp, #176
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x29, [sp, #144]
	str	x30, [sp, #160]
	bl	guest_irq
	ldp	x0, x1, [sp, #0]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x29, [sp, #144]
	ldr	x30, [sp, #160]
	add	sp, sp, #176
	eret

	.section .bss
	.balign	4096
stacks:
	.space	KG_MAX_VCPUS * 4096
