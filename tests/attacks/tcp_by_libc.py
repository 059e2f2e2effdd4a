"""Opens a connection beneath Python."""


def attack(places):
    import ctypes, struct
    libc = ctypes.CDLL(None)
    sock = libc.socket(2, 1, 0)
    address = struct.pack('<H', 2) + struct.pack('>H', places['tcp']) + bytes([127, 0, 0, 1]) + bytes(8)
    return libc.connect(sock, address, 16)
