import Glibc

/// Whether this process was built with AddressSanitizer: its runtime is linked into it then.
package enum AddressSanitizer {
    package static let isOn = dlsym(nil, "__asan_init") != nil
}
