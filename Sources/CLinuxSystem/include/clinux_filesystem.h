#ifndef CLINUX_FILESYSTEM_H
#define CLINUX_FILESYSTEM_H

/// Holds back all writes to the file system that `descriptor` is on, after what is dirty was written. Returns 0 or an
/// errno: EBUSY if it is frozen already, EOPNOTSUPP if it cannot be; FIFREEZE, fsfreeze(8).
int clinux_filesystem_freeze(int descriptor);

/// Lets writes go on. Returns 0 or an errno: EINVAL if it is not frozen; FITHAW, fsfreeze(8).
int clinux_filesystem_thaw(int descriptor);

#endif
