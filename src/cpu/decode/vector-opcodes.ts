/**
 * Opcodes of SSE, SSE2, SSE3, SSSE3, SSE4, AVX, AVX2, AES, PCLMULQDQ and SHA (Intel SDM volume 2, appendix A and
 * the instructions themselves). One line each: opcode, mnemonic without `v`, operands, remarks.
 *
 * Operands, the first being the destination:
 *   V  vector register in ModRM.reg (X: only its XMM part)
 *   H  vector register in VEX.vvvv; without VEX the destination again
 *   W  vector register or memory             U  vector register only, M memory only
 *   G  general register in ModRM.reg         E  general register or memory
 *   I  immediate byte                        L  vector register in an immediate
 * W, M and E are followed by how many bytes memory has: b w d q x (1 to 16), y (4, or 8 with REX.W), h f e (a half,
 * a quarter, an eighth of a vector); without one it is a whole vector.
 *
 * Remarks: `sse` has no VEX form, `vex` has only that, `128` and `256` for the one length there is, `w0` and `w1`
 * for VEX.W, `host` for instructions that the host executes. Whole vectors in memory must be aligned without VEX and need not be with it, but for `aligned` (always)
 * and `any` (never; AMD processors do not ask it of the SHA instructions either).
 */
export const VECTOR_OPCODES: Readonly<Record<string, string>> = {
  '0F': `
    10 movups V W any
    11 movups W V any
    13 movlps Mq V 128
    14 unpcklps V H W
    15 unpckhps V H W
    17 movhps Mq V 128
    28 movaps V W aligned
    29 movaps W V aligned
    2b movntps M V aligned
    2e ucomiss V Wd
    2f comiss V Wd
    50 movmskps G U
    51 sqrtps V W
    54 andps V H W
    55 andnps V H W
    56 orps V H W
    57 xorps V H W
    58 addps V H W
    59 mulps V H W
    5a cvtps2pd V Wh
    5b cvtdq2ps V W
    5c subps V H W
    5d minps V H W
    5e divps V H W
    5f maxps V H W
    c2 cmpps V H W I
    c6 shufps V H W I`,
  '66 0F': `
    10 movupd V W any
    11 movupd W V any
    12 movlpd V H Mq 128
    13 movlpd Mq V 128
    14 unpcklpd V H W
    15 unpckhpd V H W
    16 movhpd V H Mq 128
    17 movhpd Mq V 128
    28 movapd V W aligned
    29 movapd W V aligned
    2b movntpd M V aligned
    2e ucomisd V Wq
    2f comisd V Wq
    50 movmskpd G U
    51 sqrtpd V W
    54 andpd V H W
    55 andnpd V H W
    56 orpd V H W
    57 xorpd V H W
    58 addpd V H W
    59 mulpd V H W
    5a cvtpd2ps X W
    5c subpd V H W
    5d minpd V H W
    5e divpd V H W
    5f maxpd V H W
    60 punpcklbw V H W
    61 punpcklwd V H W
    62 punpckldq V H W
    63 packsswb V H W
    64 pcmpgtb V H W
    65 pcmpgtw V H W
    66 pcmpgtd V H W
    67 packuswb V H W
    68 punpckhbw V H W
    69 punpckhwd V H W
    6a punpckhdq V H W
    6b packssdw V H W
    6c punpcklqdq V H W
    6d punpckhqdq V H W
    6e movd V Ey 128
    6f movdqa V W aligned
    70 pshufd V W I
    74 pcmpeqb V H W
    75 pcmpeqw V H W
    76 pcmpeqd V H W
    7c haddpd V H W
    7d hsubpd V H W
    7e movd Ey V 128
    7f movdqa W V aligned
    c2 cmppd V H W I
    c4 pinsrw V H Ew I 128
    c5 pextrw G U I 128
    c6 shufpd V H W I
    d0 addsubpd V H W
    d1 psrlw V H Wx
    d2 psrld V H Wx
    d3 psrlq V H Wx
    d4 paddq V H W
    d5 pmullw V H W
    d6 movq Wq V 128
    d7 pmovmskb G U
    d8 psubusb V H W
    d9 psubusw V H W
    da pminub V H W
    db pand V H W
    dc paddusb V H W
    dd paddusw V H W
    de pmaxub V H W
    df pandn V H W
    e0 pavgb V H W
    e1 psraw V H Wx
    e2 psrad V H Wx
    e3 pavgw V H W
    e4 pmulhuw V H W
    e5 pmulhw V H W
    e6 cvttpd2dq X W
    e7 movntdq M V aligned
    e8 psubsb V H W
    e9 psubsw V H W
    ea pminsw V H W
    eb por V H W
    ec paddsb V H W
    ed paddsw V H W
    ee pmaxsw V H W
    ef pxor V H W
    f1 psllw V H Wx
    f2 pslld V H Wx
    f3 psllq V H Wx
    f4 pmuludq V H W
    f5 pmaddwd V H W
    f6 psadbw V H W
    f7 maskmovdqu V U 128 host
    f8 psubb V H W
    f9 psubw V H W
    fa psubd V H W
    fb psubq V H W
    fc paddb V H W
    fd paddw V H W
    fe paddd V H W`,
  'F3 0F': `
    12 movsldup V W
    16 movshdup V W
    2a cvtsi2ss V H Ey
    2c cvttss2si Gy Wd
    2d cvtss2si Gy Wd
    51 sqrtss V H Wd
    58 addss V H Wd
    59 mulss V H Wd
    5a cvtss2sd V H Wd
    5b cvttps2dq V W
    5c subss V H Wd
    5d minss V H Wd
    5e divss V H Wd
    5f maxss V H Wd
    6f movdqu V W any
    70 pshufhw V W I
    7e movq V Wq 128
    7f movdqu W V any
    c2 cmpss V H Wd I
    e6 cvtdq2pd V Wh`,
  'F2 0F': `
    2a cvtsi2sd V H Ey
    2c cvttsd2si Gy Wq
    2d cvtsd2si Gy Wq
    51 sqrtsd V H Wq
    58 addsd V H Wq
    59 mulsd V H Wq
    5a cvtsd2ss V H Wq
    5c subsd V H Wq
    5d minsd V H Wq
    5e divsd V H Wq
    5f maxsd V H Wq
    70 pshuflw V W I
    7c haddps V H W
    7d hsubps V H W
    c2 cmpsd V H Wq I
    d0 addsubps V H W
    e6 cvtpd2dq X W
    f0 lddqu V M any`,
  '0F38': `
    c8 sha1nexte V H W sse any
    c9 sha1msg1 V H W sse any
    ca sha1msg2 V H W sse any
    cb sha256rnds2 V H W sse any
    cc sha256msg1 V H W sse any
    cd sha256msg2 V H W sse any`,
  '66 0F38': `
    00 pshufb V H W
    01 phaddw V H W
    02 phaddd V H W
    03 phaddsw V H W
    04 pmaddubsw V H W
    05 phsubw V H W
    06 phsubd V H W
    07 phsubsw V H W
    08 psignb V H W
    09 psignw V H W
    0a psignd V H W
    0b pmulhrsw V H W
    0c permilps V H W vex w0
    0d permilpd V H W vex w0
    10 pblendvb V H W sse
    14 blendvps V H W sse
    15 blendvpd V H W sse
    16 permps V H W vex 256 w0
    17 ptest V W
    18 broadcastss V Wd vex w0
    19 broadcastsd V Wq vex 256 w0
    1a broadcastf128 V Mx vex 256 w0
    1c pabsb V W
    1d pabsw V W
    1e pabsd V W
    20 pmovsxbw V Wh
    21 pmovsxbd V Wf
    22 pmovsxbq V We
    23 pmovsxwd V Wh
    24 pmovsxwq V Wf
    25 pmovsxdq V Wh
    28 pmuldq V H W
    29 pcmpeqq V H W
    2a movntdqa V M aligned
    2b packusdw V H W
    30 pmovzxbw V Wh
    31 pmovzxbd V Wf
    32 pmovzxbq V We
    33 pmovzxwd V Wh
    34 pmovzxwq V Wf
    35 pmovzxdq V Wh
    36 permd V H W vex 256 w0
    37 pcmpgtq V H W
    38 pminsb V H W
    39 pminsd V H W
    3a pminuw V H W
    3b pminud V H W
    3c pmaxsb V H W
    3d pmaxsd V H W
    3e pmaxuw V H W
    3f pmaxud V H W
    0e testps V W vex w0 host
    0f testpd V W vex w0 host
    13 cvtph2ps V Wh vex w0 host
    2c maskmovps V H M vex w0 host
    2d maskmovpd V H M vex w0 host
    2e maskmovps M H V vex w0 host
    2f maskmovpd M H V vex w0 host
    40 pmulld V H W
    41 phminposuw V W 128 host
    8c pmaskmovd V H M vex w0 host
    8c pmaskmovq V H M vex w1 host
    8e pmaskmovd M H V vex w0 host
    8e pmaskmovq M H V vex w1 host
    45 psrlvd V H W vex w0
    45 psrlvq V H W vex w1
    46 psravd V H W vex w0
    47 psllvd V H W vex w0
    47 psllvq V H W vex w1
    58 pbroadcastd V Wd vex w0
    59 pbroadcastq V Wq vex w0
    5a broadcasti128 V Mx vex 256 w0
    78 pbroadcastb V Wb vex w0
    79 pbroadcastw V Ww vex w0
    db aesimc V W 128
    dc aesenc V H W
    dd aesenclast V H W
    de aesdec V H W
    df aesdeclast V H W`,
  '0F3A': `
    cc sha1rnds4 V H W I sse any`,
  '66 0F3A': `
    00 permq V W I vex 256 w1
    01 permpd V W I vex 256 w1
    02 pblendd V H W I vex w0
    04 permilps V W I vex w0
    05 permilpd V W I vex w0
    06 perm2f128 V H W I vex 256 w0
    08 roundps V W I
    09 roundpd V W I
    0a roundss V H Wd I
    0b roundsd V H Wq I
    0c blendps V H W I
    0d blendpd V H W I
    0e pblendw V H W I
    0f palignr V H W I
    14 pextrb Eb V I 128
    15 pextrw Ew V I 128
    16 pextrd Ey V I 128
    17 extractps Ed V I 128
    18 insertf128 V H Wx I vex 256 w0
    19 extractf128 Wx V I vex 256 w0
    20 pinsrb V H Eb I 128
    21 insertps V H Wd I 128
    22 pinsrd V H Ey I 128
    1d cvtps2ph Wh V I vex w0 host
    40 dpps V H W I host
    41 dppd V H W I 128 host
    42 mpsadbw V H W I host
    60 pcmpestrm V W I 128 any host
    61 pcmpestri V W I 128 any host
    62 pcmpistrm V W I 128 any host
    63 pcmpistri V W I 128 any host
    38 inserti128 V H Wx I vex 256 w0
    39 extracti128 Wx V I vex 256 w0
    44 pclmulqdq V H W I
    46 perm2i128 V H W I vex 256 w0
    4a blendvps V H W L vex w0
    4b blendvpd V H W L vex w0
    4c pblendvb V H W L vex w0
    df aeskeygenassist V W I 128`,
};
