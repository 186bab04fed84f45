/* suggest.c - "did you mean": the nearest name by edit distance. */
#include <string.h>
#include <strings.h>

#include "options.h"

#define MAX_LENGTH 40

static int min3(int a, int b, int c)
{
    int least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein's distance, one row at a time, letters of either case being equal. */
static int distance(const char *a, const char *b)
{
    int row[MAX_LENGTH + 1];
    int length = (int)strlen(b);

    if (length > MAX_LENGTH || strlen(a) > MAX_LENGTH)
        return MAX_LENGTH;
    for (int j = 0; j <= length; j++)
        row[j] = j;
    for (int i = 1; a[i - 1] != '\0'; i++) {
        int diagonal = row[0];

        row[0] = i;
        for (int j = 1; j <= length; j++) {
            int above = row[j];
            int change = strncasecmp(&a[i - 1], &b[j - 1], 1) != 0;

            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + change);
            diagonal = above;
        }
    }
    return row[length];
}

const char *options_suggest(const char *typed, const char *const *candidates)
{
    const char *nearest = NULL;
    int least = (int)strlen(typed) / 3 + 2; /* further away is another word */

    for (; *candidates != NULL; candidates++) {
        int d = distance(typed, *candidates);

        if (d < least) {
            least = d;
            nearest = *candidates;
        }
    }
    return nearest;
}
