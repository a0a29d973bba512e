// What dav1d says its version is; its own build would ask git.
#define DAV1D_VERSION "1.5.1"
