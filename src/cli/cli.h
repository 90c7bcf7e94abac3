/* SPDX-License-Identifier: MIT */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/buffer.h"
#include "lemona/base/diag.h"
#include "lemona/base/error.h"
#include "lemona/log/reader.h"

/*
 * What the subcommands share. A subcommand takes the arguments from its own
 * name on and returns an exit code (enum lm_exit, or a command's own).
 */
int lm_cli_record(int argc, char **argv);
int lm_cli_events(int argc, char **argv);
int lm_cli_content(int argc, char **argv);
int lm_cli_export(int argc, char **argv);
int lm_cli_backtrack(int argc, char **argv);
int lm_cli_forward(int argc, char **argv);
int lm_cli_query(int argc, char **argv);
int lm_cli_status(int argc, char **argv);
int lm_cli_verify(int argc, char **argv);
int lm_cli_prove(int argc, char **argv);
int lm_cli_checkpoint(int argc, char **argv);
int lm_cli_host_key(int argc, char **argv);
int lm_cli_index(int argc, char **argv);
int lm_cli_import(int argc, char **argv);
int lm_cli_doctor(int argc, char **argv);

/** "lemona: <sentence>" on stderr, one line whatever bytes the arguments hold. */
void lm_cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Say it, and return the exit code that a negative code maps to. */
int lm_cli_fail(int code, const struct lm_diag *diag);

/** Say it, point to --help of the command, return LM_EXIT_USAGE. */
int lm_cli_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * getopt_long() whose complaints are single sentences. Options may stand after
 * operands unless short_options starts with "+".
 *
 * @param short_options  without the leading ':' that silences getopt
 * @return what getopt_long() returns; '?' after having said what is wrong
 */
int lm_cli_option(int argc, char **argv, const char *short_options, const struct option *options);

/** The one operand LOG that is left. @return NULL after having said what is wrong */
const char *lm_cli_operand_log(int argc, char **argv);

/** Unsigned decimal with an optional suffix K, M or G. @return 0; -EINVAL; -ERANGE */
int lm_cli_parse_u64(const char *text, uint64_t *ret_value);

/** A time option; "-5m" counts back from now. @return 0, or -EINVAL after having said why */
int lm_cli_parse_time(const char *command, const char *text, uint64_t *ret_wall_ns);

/** Wall time of a boot time in this log, by the offset recorded nearest before it. */
uint64_t lm_cli_wall_ns(const struct lm_log *log, uint64_t boot_ns);

#define LM_CLI_TIME_BYTES 40
/** RFC 3339 in UTC with six decimals, as people read it. */
void lm_cli_format_time_us(uint64_t wall_ns, char out[LM_CLI_TIME_BYTES]);

/** Write the buffer to stdout and empty it. @return 0 or a negative code: stop printing */
int lm_cli_print(struct lm_buffer *buf);
void lm_cli_print_text(const char *text);

/**
 * The last act of a command: everything printed must have arrived.
 * A reader that went away is no failure; a full disk is.
 */
int lm_cli_finish(int exit_code);

/** Say what is damaged, if anything is. @return exit_code, or LM_EXIT_DAMAGED */
int lm_cli_report_damage(const char *damage, int exit_code);
