/* suggest.c - "did you mean": the nearest name by edit distance. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "options.h"

#define MAX_LENGTH 40

static int min3(int a, int b, int c)
{
    int least = a < b ? a : b;

    return least < c ? least : c;
}

/* Insertions, deletions, changes and swaps of neighbours, letters of either case being
 * equal (optimal string alignment). */
static int distance(const char *a, const char *b)
{
    int table[MAX_LENGTH + 1][MAX_LENGTH + 1];
    int n = (int)strlen(a);
    int m = (int)strlen(b);

    if (n > MAX_LENGTH || m > MAX_LENGTH)
        return MAX_LENGTH;
    for (int i = 0; i <= n; i++)
        table[i][0] = i;
    for (int j = 0; j <= m; j++)
        table[0][j] = j;
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            bool same = strncasecmp(&a[i - 1], &b[j - 1], 1) == 0;

            table[i][j] = min3(table[i - 1][j] + 1, table[i][j - 1] + 1,
                               table[i - 1][j - 1] + !same);
            if (i > 1 && j > 1 && strncasecmp(&a[i - 1], &b[j - 2], 1) == 0 &&
                strncasecmp(&a[i - 2], &b[j - 1], 1) == 0)
                table[i][j] = min3(table[i][j], table[i - 2][j - 2] + 1, table[i][j]);
        }
    return table[n][m];
}

const char *options_suggest(const char *typed, const char *const *candidates)
{
    const char *nearest = NULL;
    int least = (int)strlen(typed) / 5 + 2; /* as far away is another word */

    for (; *candidates != NULL; candidates++) {
        int d = distance(typed, *candidates);

        if (d < least) {
            least = d;
            nearest = *candidates;
        }
    }
    return nearest;
}
