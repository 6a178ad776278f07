#include "textflag.h"

// A byte's class is the AND of what its low and its high half say. Bits 0 to 2
// are a stop (white space of the controls; space and '/'; '=' and '>'), bit 3 is a
// quote, bit 4 is '<'.
DATA low<>+0(SB)/8, $0x0800000000080002 // 0: space, 2: '"', 7: '\''
DATA low<>+8(SB)/8, $0x0204051100010100 // 9 a c d: controls, c: '<', d: '=', e: '>', f: '/'
GLOBL low<>(SB), RODATA|NOPTR, $16

DATA high<>+0(SB)/8, $0x00000000140a0001 // 0: controls, 2: space / " ', 3: < = >
DATA high<>+8(SB)/8, $0
GLOBL high<>(SB), RODATA|NOPTR, $16

DATA half<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA half<>+8(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL half<>(SB), RODATA|NOPTR, $16

DATA stops<>+0(SB)/8, $0x0707070707070707
DATA stops<>+8(SB)/8, $0x0707070707070707
GLOBL stops<>(SB), RODATA|NOPTR, $16

// CLASSIFY leaves the marks of the 32 bytes in Y0: '<' in less, quotes in quote,
// and what is no stop in other.
#define CLASSIFY(less, quote, other) \
	VPAND     Y15, Y0, Y2  \
	VPSRLW    $4, Y0, Y3   \
	VPAND     Y15, Y3, Y3  \
	VPSHUFB   Y2, Y13, Y2  \
	VPSHUFB   Y3, Y14, Y3  \
	VPAND     Y2, Y3, Y2   \
	VPSLLW    $3, Y2, Y3   \
	VPMOVMSKB Y3, less     \
	VPSLLW    $4, Y2, Y3   \
	VPMOVMSKB Y3, quote    \
	VPAND     Y12, Y2, Y2  \
	VPCMPEQB  Y11, Y2, Y2  \
	VPMOVMSKB Y2, other

// func classifyAVX2(less, stop, quote *uint64, p *byte, blocks int)
TEXT ·classifyAVX2(SB), NOSPLIT, $0-40
	MOVQ less+0(FP), DI
	MOVQ stop+8(FP), SI
	MOVQ quote+16(FP), DX
	MOVQ p+24(FP), BX
	MOVQ blocks+32(FP), CX

	VBROADCASTI128 low<>(SB), Y13
	VBROADCASTI128 high<>(SB), Y14
	VBROADCASTI128 half<>(SB), Y15
	VBROADCASTI128 stops<>(SB), Y12
	VPXOR          Y11, Y11, Y11

loop:
	VMOVDQU (BX), Y0
	CLASSIFY(R8, R9, R10)
	VMOVDQU 32(BX), Y0
	CLASSIFY(R11, R12, R13)

	SHLQ $32, R11
	ORQ  R11, R8
	MOVQ R8, (DI)
	SHLQ $32, R12
	ORQ  R12, R9
	MOVQ R9, (DX)
	SHLQ $32, R13
	ORQ  R13, R10
	NOTQ R10
	MOVQ R10, (SI)

	ADDQ $8, DI
	ADDQ $8, DX
	ADDQ $8, SI
	ADDQ $64, BX
	DECQ CX
	JNZ  loop

	VZEROUPPER
	RET
