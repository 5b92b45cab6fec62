/* The fake libxentoolcore.so.1: see fake_xen.h. */
#include "fake_xen.h"

#include <errno.h>

#include <xentoolcore.h>

int xentoolcore_restrict_all(domid_t domid)
{
    if ( REFUSED() || (domid != FAKE_DOMID && (errno = EINVAL)) )
        return -1;
    fake_restricted = true;
    return 0;
}
