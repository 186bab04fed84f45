/* help.c - --help of the program, an object and a command, all from the tables. */
#include <stdio.h>
#include <string.h>

#include "option_table.h"
#include "options.h"

#define COLUMN 34 /* where explanations begin */

static void print_row(const struct option_row *row, FILE *out)
{
    char left[COLUMN * 2];
    char letter[8] = "    ";
    int n;

    if (row->letter != 0)
        (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
    n = snprintf(left, sizeof left, "  %s--%s", letter, row->name);
    if (row->metavar != NULL)
        (void)snprintf(left + n, sizeof left - (size_t)n,
                       row->kind == OPTION_MAYBE_INT ? "[=%s]" : "=%s", row->metavar);
    if (strlen(left) < COLUMN)
        (void)fprintf(out, "%-*s%s\n", COLUMN, left, row->help);
    else
        (void)fprintf(out, "%s\n%*s%s\n", left, COLUMN, "", row->help);
}

/* Rows known by `bits`, except those of `without`; 0 means the general ones. */
static void print_rows(const char *title, unsigned bits, unsigned without, FILE *out)
{
    bool any = false;

    for (size_t i = 0; i < option_table_size; i++) {
        const struct option_row *row = &option_table[i];
        bool wanted = bits == 0 ? row->bits == 0
                                : (row->bits & bits) != 0 && (row->bits & without) == 0;

        if (!wanted || row->help == NULL)
            continue;
        if (!any)
            (void)fprintf(out, "\n%s:\n", title);
        any = true;
        print_row(row, out);
    }
}

static void print_commands(const char *object, FILE *out)
{
    for (const struct cmd *const *row = cmd_table; *row != NULL; row++)
        if (object == NULL || strcmp(object, (*row)->object) == 0)
            (void)fprintf(out, "  %-8s %-11s %s\n", (*row)->object, (*row)->action,
                          (*row)->summary);
}

static void print_program(FILE *out)
{
    (void)fputs("pgrmon: manage and watch PostgreSQL streaming replication\n"
                "\n"
                "Usage:\n"
                "  pgrmon [options] <object> <action>\n"
                "\n"
                "Commands:\n",
                out);
    print_commands(NULL, out);
    print_rows("General options", 0, 0, out);
    (void)fputs("\nMore about one command: pgrmon <object> <action> --help\n"
                "Settings: pgrmon.conf(5). The daemon: pgrmond(8).\n",
                out);
}

static void print_object(const char *object, FILE *out)
{
    (void)fprintf(out,
                  "Usage:\n"
                  "  pgrmon [options] %s <action>\n"
                  "\n"
                  "Commands:\n",
                  object);
    print_commands(object, out);
    print_rows("General options", 0, 0, out);
    (void)fprintf(out, "\nMore about one command: pgrmon %s <action> --help\n", object);
}

static void print_examples(const char *examples, FILE *out)
{
    (void)fprintf(out, "\nExamples:\n");
    while (*examples != '\0') {
        int length;

        examples += strspn(examples, " ");
        length = (int)strcspn(examples, "\n");
        (void)fprintf(out, "  %.*s\n", length, examples);
        examples += length + (examples[length] == '\n');
    }
}

static void print_command(const struct cmd *cmd, FILE *out)
{
    unsigned bits = cmd_option_bits(cmd);

    (void)fprintf(out,
                  "pgrmon %s %s: %s\n"
                  "\n"
                  "Usage:\n"
                  "  pgrmon [options] %s %s%s%s\n",
                  cmd->object, cmd->action, cmd->summary, cmd->object, cmd->action,
                  cmd->words != NULL ? " " : "", cmd->words != NULL ? cmd->words : "");
    if (cmd->details != NULL)
        (void)fprintf(out, "\n%s\n", cmd->details);
    if ((bits & ~(unsigned)CMD_OPT_CONN) != 0)
        print_rows("Options", bits & ~(unsigned)CMD_OPT_CONN, CMD_OPT_CONN, out);
    if ((bits & CMD_OPT_CONN) != 0)
        print_rows("Connection options", CMD_OPT_CONN, 0, out);
    print_rows("General options", 0, 0, out);
    if (cmd->examples != NULL)
        print_examples(cmd->examples, out);
}

void options_print_help(const struct options *options, FILE *out)
{
    if (options->cmd != NULL)
        print_command(options->cmd, out);
    else if (options->object != NULL)
        print_object(options->object, out);
    else
        print_program(out);
}
