/* SPDX-License-Identifier: GPL-2.0 */
/* The guest program as data of the VMM. */
	.section .rodata
	.global guest_start, guest_end
guest_start:
	.incbin GUEST_BIN
guest_end:
	.section .note.GNU-stack, "", %progbits
