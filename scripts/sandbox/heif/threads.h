// What: the one class of threads that libde265 names and the library of WebAssembly
// lacks. An instance has one thread.

#pragma once

namespace std {
struct mutex {
	void lock() {}
	void unlock() {}
};
}
