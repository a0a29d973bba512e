#include "textflag.h"

// func differencesAVX2(sums *uint32, row, rows *byte, length, count int)
//
// PSADBW leaves four sums of eight bytes each; two registers of them are kept, so that
// one addition does not wait for the other.
TEXT ·differencesAVX2(SB), NOSPLIT, $0-40
	MOVQ sums+0(FP), DI
	MOVQ row+8(FP), SI
	MOVQ rows+16(FP), DX
	MOVQ length+24(FP), CX
	MOVQ count+32(FP), BX

rows:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	XORQ  AX, AX

columns:
	VMOVDQU (DX)(AX*1), Y2
	VMOVDQU 32(DX)(AX*1), Y3
	VPSADBW (SI)(AX*1), Y2, Y2
	VPSADBW 32(SI)(AX*1), Y3, Y3
	VPADDQ  Y2, Y0, Y0
	VPADDQ  Y3, Y1, Y1
	ADDQ    $64, AX
	CMPQ    AX, CX
	JLT     columns

	VPADDQ       Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDQ       X1, X0, X0
	VPSRLDQ      $8, X0, X1
	VPADDQ       X1, X0, X0
	VMOVD        X0, (DI)
	ADDQ         $4, DI
	ADDQ         CX, DX
	DECQ         BX
	JNZ          rows
	VZEROUPPER
	RET
