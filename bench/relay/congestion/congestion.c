/* Loaded into the peers (LD_PRELOAD): what they listen on uses the congestion control that
 * TICKWIRE_CONGESTION names, as the relay's and the floor's listeners do. Bun and Node offer no way to
 * choose it, and the system's default may be one whose timers cost CPU (bbr). Accepted sockets inherit it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int listen(int descriptor, int backlog) {
    int (*next)(int, int) = NULL;
    void* const found = dlsym(RTLD_NEXT, "listen");
    const char* const name = getenv("TICKWIRE_CONGESTION");
    memcpy(&next, &found, sizeof next);
    if (name != NULL &&
        setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) != 0) {
        perror("TICKWIRE_CONGESTION");
        exit(1);
    }
    return next(descriptor, backlog);
}
