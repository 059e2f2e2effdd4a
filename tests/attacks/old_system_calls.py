"""Calls the kernel as a program of 32 bits does, whose numbers are others."""

EARNS = 0


def attack(places):
    import ctypes, mmap, os, platform
    if platform.machine() != 'x86_64':
        os.abort()
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b'\xb8\x14\x00\x00\x00\xcd\x80\xc3')  # mov eax, 20 (getpid); int 0x80; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)()
