/* reach.c - words for what became of an attempt to talk to a server. */
#include "reach.h"

const char *reach_name(enum reach reach)
{
    switch (reach) {
    case REACH_UNKNOWN:
        return "unknown";
    case REACH_OK:
        return "ok";
    case REACH_REJECTED:
        return "rejected";
    case REACH_STARTING:
        return "starting";
    case REACH_FAILED:
        return "failed";
    case REACH_REFUSED:
        return "refused";
    case REACH_SILENT:
        return "silent";
    case REACH_UNUSABLE:
        return "unusable";
    }
    return "unknown";
}
