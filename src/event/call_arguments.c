/* SPDX-License-Identifier: MIT */
#include "lemona/event/event.h"

#include <stddef.h>

#include "lemona/event/rules.h"

/*
 * The types of each call's arguments, as the kernel declares them (include/linux/syscalls.h; the
 * running kernel tells them in events/syscalls of tracefs): how many of the registers count, how
 * wide they are, and how people write them. Where an address is given as a number, it is X.
 */
#pragma GCC diagnostic error "-Woverride-init" /* one row a call */

#define NOT_KNOWN "XXXXXX"

static const char *const arguments[LM_CALL_COUNT] = {
	[0] = "dpn", [1] = "dpn", [2] = "pxo", [3] = "d", [4] = "pp", [5] = "dp", [6] = "pp",
	[7] = "pud", [8] = "dlu", [9] = "Xnxxdn", [10] = "XnX", [11] = "Xn", [12] = "X",
	[13] = "dppn", [14] = "dppn", [15] = "", [16] = "dxX", [17] = "dpnl", [18] = "dpnl",
	[19] = "dpn", [20] = "dpn", [21] = "px", [22] = "p", [23] = "dpppp", [24] = "",
	[25] = "XnnXX", [26] = "Xnx", [27] = "Xnp", [28] = "Xnd", [29] = "dnd", [30] = "dpd",
	[31] = "dxp", [32] = "d", [33] = "dd", [34] = "", [35] = "pp", [36] = "dp", [37] = "u",
	[38] = "dpp", [39] = "", [40] = "ddpn", [41] = "ddd", [42] = "dpd", [43] = "dpp",
	[44] = "dpnxpd", [45] = "dpnxpp", [46] = "dpx", [47] = "dpx", [48] = "dd", [49] = "dpd",
	[50] = "dd", [51] = "dpp", [52] = "dpp", [53] = "dddp", [54] = "dddpd", [55] = "dddpp",
	[56] = "XXppX", [57] = "", [58] = "", [59] = "ppp", [60] = "d", [61] = "dpxp", [62] = "dd",
	[63] = "p", [64] = "ddd", [65] = "dpu", [66] = "ddxX", [67] = "p", [68] = "dd",
	[69] = "dpnd", [70] = "dpnld", [71] = "dxp", [72] = "dxX", [73] = "dx", [74] = "d",
	[75] = "d", [76] = "pl", [77] = "dl", [78] = "dpu", [79] = "pn", [80] = "p", [81] = "d",
	[82] = "pp", [83] = "po", [84] = "p", [85] = "po", [86] = "pp", [87] = "p", [88] = "pp",
	[89] = "ppd", [90] = "po", [91] = "do", [92] = "puu", [93] = "duu", [94] = "puu",
	[95] = "x", [96] = "pp", [97] = "up", [98] = "dp", [99] = "p", [100] = "p", [101] = "XlXX",
	[102] = "", [103] = "dpd", [104] = "", [105] = "u", [106] = "u", [107] = "", [108] = "",
	[109] = "dd", [110] = "", [111] = "", [112] = "", [113] = "uu", [114] = "uu", [115] = "dp",
	[116] = "dp", [117] = "uuu", [118] = "ppp", [119] = "uuu", [120] = "ppp", [121] = "d",
	[122] = "u", [123] = "u", [124] = "d", [125] = "pp", [126] = "pp", [127] = "pn",
	[128] = "pppn", [129] = "ddp", [130] = "pn", [131] = "pp", [132] = "pp", [133] = "pou",
	[134] = "p", [135] = "u", [136] = "up", [137] = "pp", [138] = "dp", [139] = "xXX",
	[140] = "dd", [141] = "ddd", [142] = "dp", [143] = "dp", [144] = "ddp", [145] = "d",
	[146] = "d", [147] = "d", [148] = "dp", [149] = "Xn", [150] = "Xn", [151] = "x",
	[152] = "", [153] = "", [154] = "dpn", [155] = "pp", [156] = "p", [157] = "xXXXX",
	[158] = "xX", [159] = "p", [160] = "up", [161] = "p", [162] = "", [163] = "p",
	[164] = "pp", [165] = "pppXp", [166] = "px", [167] = "px", [168] = "p", [169] = "ddxp",
	[170] = "pd", [171] = "pd", [172] = "u", [173] = "nnd", [174] = "pn", [175] = "pnp",
	[176] = "px", [177] = "p", [178] = "pdpnp", [179] = "xpup", [180] = "dpp",
	[181] = "XXXXXX", [182] = "XXXXXX", [183] = "XXXXXX", [184] = "XXXXXX", [185] = "XXXXXX",
	[186] = "", [187] = "dln", [188] = "pppnx", [189] = "pppnx", [190] = "dppnx",
	[191] = "pppn", [192] = "pppn", [193] = "dppn", [194] = "ppn", [195] = "ppn",
	[196] = "dpn", [197] = "pp", [198] = "pp", [199] = "dp", [200] = "dd", [201] = "p",
	[202] = "pxuppu", [203] = "dup", [204] = "dup", [205] = "p", [206] = "up", [207] = "p",
	[208] = "pllpp", [209] = "plp", [210] = "ppp", [211] = "p", [212] = "npn", [213] = "d",
	[214] = "dddp", [215] = "dpdd", [216] = "XnXnX", [217] = "dpu", [218] = "p", [219] = "",
	[220] = "dpup", [221] = "dlnd", [222] = "dpp", [223] = "dxpp", [224] = "dp", [225] = "d",
	[226] = "d", [227] = "dp", [228] = "dp", [229] = "dp", [230] = "dxpp", [231] = "d",
	[232] = "dpdd", [233] = "dxdp", [234] = "ddd", [235] = "pp", [236] = "XXXXXX",
	[237] = "XnXpnx", [238] = "xpn", [239] = "ppnXX", [240] = "pxop", [241] = "p",
	[242] = "dpnup", [243] = "dpnpp", [244] = "dp", [245] = "dpp", [246] = "XnpX",
	[247] = "ddpxp", [248] = "pppnd", [249] = "pppd", [250] = "xXXXX", [251] = "ddd",
	[252] = "dd", [253] = "", [254] = "dpx", [255] = "dd", [256] = "dnpp", [257] = "dpxo",
	[258] = "dpo", [259] = "dpou", [260] = "dpuux", [261] = "dpp", [262] = "dppx",
	[263] = "dpx", [264] = "dpdp", [265] = "dpdpx", [266] = "pdp", [267] = "dppd",
	[268] = "dpo", [269] = "dpx", [270] = "dppppp", [271] = "puppn", [272] = "X", [273] = "pn",
	[274] = "dpp", [275] = "dpdpnx", [276] = "ddnx", [277] = "dllx", [278] = "dpnx",
	[279] = "dnpppx", [280] = "dppx", [281] = "dpddpn", [282] = "dpX", [283] = "dx",
	[284] = "u", [285] = "dxll", [286] = "dxpp", [287] = "dp", [288] = "dppx", [289] = "dpXx",
	[290] = "ux", [291] = "x", [292] = "ddx", [293] = "px", [294] = "x", [295] = "dpnnn",
	[296] = "dpnnn", [297] = "dddp", [298] = "pdddX", [299] = "dpuxp", [300] = "xx",
	[301] = "dxXdp", [302] = "dupp", [303] = "dpppx", [304] = "dpx", [305] = "dp", [306] = "d",
	[307] = "dpux", [308] = "dx", [309] = "ppp", [310] = "dpnpnX", [311] = "dpnpnX",
	[312] = "dddnn", [313] = "dpx", [314] = "dpx", [315] = "dpux", [316] = "dpdpx",
	[317] = "xxp", [318] = "pnx", [319] = "px", [320] = "ddnpX", [321] = "xpu",
	[322] = "dpppx", [323] = "x", [324] = "xxd", [325] = "Xnx", [326] = "dpdpnx",
	[327] = "dpnnnx", [328] = "dpnnnx", [329] = "XnXd", [330] = "Xn", [331] = "d",
	[332] = "dpxxp", [333] = "pllppp", [334] = "puxu", [335] = "", [336] = "", [424] = "ddpx",
	[425] = "up", [426] = "duuxpn", [427] = "dupu", [428] = "dpx", [429] = "dpdpx",
	[430] = "px", [431] = "dxppd", [432] = "dxx", [433] = "dpx", [434] = "dx", [435] = "pn",
	[436] = "ddx", [437] = "dppn", [438] = "ddx", [439] = "dpxx", [440] = "dpndx",
	[441] = "dpdppn", [442] = "dpxpn", [443] = "dxup", [444] = "pnx", [445] = "ddpx",
	[446] = "dx", [447] = "x", [448] = "dx", [449] = "puxpd", [450] = "XnnX", [451] = "dppx",
	[452] = "dpox", [453] = "Xnx", [454] = "pXdx", [455] = "pnXxpd", [456] = "pxdd",
	[457] = "ppnx", [458] = "ppnx", [459] = "uppx", [460] = "upux", [461] = "ppx",
	[462] = "XnX", [463] = "dpxppn", [464] = "dpxppn", [465] = "dpxpn", [466] = "dpxp",
	[467] = "dpxpn", [468] = "dppnx", [469] = "dppnx", [470] = "ppnx",
};

/* Those of i386 that stand in another order than those of the call that does the same. */
static const char *compat_arguments(uint16_t number)
{
	const struct lm_compat_rule *rule;

	if (number >= LM_CALL_COUNT)
		return NOT_KNOWN;
	rule = &lm_compat_mappings()[number].rule;
	switch (rule->known ? (enum lm_compat_shape)rule->shape : LM_COMPAT_SPLIT1) {
	case LM_COMPAT_SAME:
	case LM_COMPAT_IDS16:
		return arguments[rule->call] ? arguments[rule->call] : NOT_KNOWN;
	case LM_COMPAT_ONE:
	case LM_COMPAT_OLD_MMAP:
		return "p";
	case LM_COMPAT_OWNER16:
		return "puu";
	case LM_COMPAT_SOCKETCALL:
		return "dp";
	case LM_COMPAT_IPC:
		return "uddnpl";
	case LM_COMPAT_SPLIT1:
	case LM_COMPAT_SPLIT2:
	case LM_COMPAT_FALLOCATE:
		break;
	}
	return NOT_KNOWN;
}

const char *lm_call_arguments(uint16_t call)
{
	if (call != LM_CALL_NONE && (call & LM_CALL_COMPAT))
		return compat_arguments(call & (uint16_t)~LM_CALL_COMPAT);
	return call < LM_CALL_COUNT && arguments[call] ? arguments[call] : NOT_KNOWN;
}
