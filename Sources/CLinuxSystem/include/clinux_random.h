#ifndef CLINUX_RANDOM_H
#define CLINUX_RANDOM_H

/// Makes the kernel's random numbers depend on its pool as it is now. Returns 0 or an errno: EPERM without
/// CAP_SYS_ADMIN; RNDRESEEDCRNG, random(4).
int clinux_random_reseed(int descriptor);

#endif
