"""Links one object of clang's BPF target into a shared object that Solana's loader takes (its first version, v0).

The loader maps the file itself: code and constants lie where they stand in it, and what it is told to relocate is
an address of a constant (type 8) or a call of the runtime (type 10, by the name of a dynamic symbol). A call inside
the program is a distance in instructions, which is known here. There is no writable memory but heap and stack.
"""

import struct
from dataclasses import dataclass, field

CODE, CONSTANTS, SYMBOLS, RELOCATIONS = ".text", ".rodata", 2, 9
ADDRESS_OF, CALL_OF = 1, 10
RELATIVE, BY_NAME = 8, 10
HEADER, SEGMENT, SECTION, SYMBOL = 64, 56, 64, 24
CODE_AT = 0x100
CALL_SOURCE = 0x10  # marks a call's target as a distance


class Unlinkable(ValueError):
    """The object has what the loader does not take."""


@dataclass(frozen=True)
class Symbol:
    name: bytes
    section: int
    value: int
    size: int


@dataclass(frozen=True)
class Section:
    name: str
    kind: int
    content: bytes
    about: int


class Relocatable:
    """What clang wrote."""

    def __init__(self, content: bytes) -> None:
        [table] = struct.unpack_from("<Q", content, 40)
        count, names = struct.unpack_from("<HH", content, 60)
        raw = [struct.unpack_from("<IIQQQQIIQQ", content, table + SECTION * n) for n in range(count)]
        texts = content[raw[names][4] : raw[names][4] + raw[names][5]]
        self.sections = [
            Section(_text(texts, one[0]).decode(), one[1], content[one[4] : one[4] + one[5]], one[7]) for one in raw
        ]
        table_number = next(n for n, one in enumerate(self.sections) if one.kind == SYMBOLS)
        names_of_symbols = self.sections[raw[table_number][6]].content
        self.symbols = [
            Symbol(_text(names_of_symbols, name), section, value, size)
            for name, _, _, section, value, size in struct.iter_unpack("<IBBHQQ", self.sections[table_number].content)
        ]

    def number(self, name: str) -> int:
        """The number of a section. Raises Unlinkable."""
        for number, one in enumerate(self.sections):
            if one.name == name:
                return number
        raise Unlinkable(f"there is no {name}")

    def relocations(self, number: int) -> list[tuple[int, int, Symbol]]:
        """Place, type and symbol of each relocation of a section."""
        found = [one for one in self.sections if one.kind == RELOCATIONS and one.about == number and one.content]
        return [
            (place, kind & 0xFFFFFFFF, self.symbols[kind >> 32])
            for one in found
            for place, kind in struct.iter_unpack("<QQ", one.content)
        ]


@dataclass
class Image:
    """What becomes of it: code, constants, runtime calls by name, and what the loader has to relocate."""

    code: bytearray
    constants: bytes
    names: list[bytes] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)

    def constants_at(self) -> int:
        return CODE_AT + len(self.code)

    def call(self, place: int, name: bytes) -> None:
        """Have the loader put a runtime call there."""
        if name not in self.names:
            self.names.append(name)
        struct.pack_into("<i", self.code, place + 4, -1)
        self.code[place + 1] = self.code[place + 1] & 0x0F | CALL_SOURCE
        # Symbol 0 is nothing, and symbol 1 the entry.
        self.places.append((CODE_AT + place, self.names.index(name) + 2 << 32 | BY_NAME))

    def refer(self, place: int, address: int) -> None:
        """Have the loader add where it maps the file: the address is split over two instructions."""
        struct.pack_into("<I", self.code, place + 4, address)
        struct.pack_into("<I", self.code, place + 12, 0)
        self.places.append((CODE_AT + place, RELATIVE))


def link(content: bytes) -> bytes:
    """The shared object. Raises Unlinkable."""
    given = Relocatable(content)
    code_number = given.number(CODE)
    constants, offsets = bytearray(), dict[int, int]()
    for number, one in enumerate(given.sections):
        if one.name.startswith(CONSTANTS) and one.kind == 1:
            constants += bytes(-len(constants) % 16)
            offsets[number] = len(constants)
            constants += one.content
            if given.relocations(number):
                raise Unlinkable(f"{one.name} holds addresses; put them in place by code")
        elif one.name in (".data", ".bss") and one.content:
            raise Unlinkable("there is no writable memory but heap and stack")
    image = Image(bytearray(given.sections[code_number].content), bytes(constants))
    for place, kind, symbol in given.relocations(code_number):
        _relocate(image, place, kind, symbol, code_number, offsets)
    entry = next((one for one in given.symbols if one.name == b"entrypoint"), None)
    if entry is None:
        raise Unlinkable("there is no entrypoint")
    return _written(image, entry)


def _relocate(image: Image, place: int, kind: int, symbol: Symbol, code_number: int, offsets: dict[int, int]) -> None:
    if kind == ADDRESS_OF and symbol.section in offsets:
        [addend] = struct.unpack_from("<I", image.code, place + 4)
        image.refer(place, image.constants_at() + offsets[symbol.section] + symbol.value + addend)
    elif kind == CALL_OF and symbol.section == code_number:
        [addend] = struct.unpack_from("<i", image.code, place + 4)
        target = symbol.value // 8 + addend + 1
        struct.pack_into("<i", image.code, place + 4, target - (place // 8 + 1))
    elif kind == CALL_OF and symbol.section == 0:
        image.call(place, symbol.name)
    else:
        raise Unlinkable(f"relocation {kind} of {symbol.name.decode()!r}")


def _written(image: Image, entry: Symbol) -> bytes:
    """Header, three segments, code, constants, the loader's tables, and the sections that name all this."""
    entry_at = CODE_AT + entry.value
    names = b"\0entrypoint\0" + b"".join(name + b"\0" for name in image.names)
    symbols = bytes(SYMBOL) + struct.pack("<IBBHQQ", 1, 0x12, 0, 1, entry_at, entry.size)
    for name in image.names:
        symbols += struct.pack("<IBBHQQ", names.index(b"\0" + name + b"\0") + 1, 0x10, 0, 0, 0, 0)
    relocations = b"".join(struct.pack("<QQ", *one) for one in image.places)

    constants_at = image.constants_at()
    dynamic_at = _aligned(constants_at + len(image.constants))
    symbols_at = dynamic_at + 7 * 16
    names_at = symbols_at + len(symbols)
    relocations_at = _aligned(names_at + len(names))
    dynamic_words = (
        (17, relocations_at),
        (18, len(relocations)),
        (19, 16),
        (6, symbols_at),
        (11, SYMBOL),
        (5, names_at),
        (0, 0),
    )
    dynamic = b"".join(struct.pack("<QQ", *one) for one in dynamic_words)

    section_names = b"\0.text\0.rodata\0.dynamic\0.dynsym\0.dynstr\0.rel.dyn\0.shstrtab\0"
    names_of_sections_at = relocations_at + len(relocations)
    sections_at = _aligned(names_of_sections_at + len(section_names))
    parts = (
        (CODE_AT, bytes(image.code)),
        (constants_at, image.constants),
        (dynamic_at, dynamic),
        (symbols_at, symbols),
        (names_at, names),
        (relocations_at, relocations),
        (names_of_sections_at, section_names),
    )
    # Name, type, flags, place, link, info, alignment, size of an entry.
    shapes = (
        (b".text", 1, 6, 0, 0, 8, 0),
        (b".rodata", 1, 2, 0, 0, 8, 0),
        (b".dynamic", 6, 3, 5, 0, 8, 16),
        (b".dynsym", 11, 2, 5, 1, 8, SYMBOL),
        (b".dynstr", 3, 2, 0, 0, 1, 0),
        (b".rel.dyn", 9, 2, 4, 0, 8, 16),
        (b".shstrtab", 3, 0, 0, 0, 1, 0),
    )
    table = bytes(SECTION)
    for (place, content), (name, kind, flags, linked, info, alignment, entry_size) in zip(parts, shapes, strict=True):
        told = section_names.index(b"\0" + name + b"\0") + 1
        address = place if flags else 0
        table += struct.pack(
            "<IIQQQQIIQQ", told, kind, flags, address, place, len(content), linked, info, alignment, entry_size
        )
    segments = b""
    for kind, flags, start, end, alignment in (
        (1, 5, CODE_AT, constants_at + len(image.constants), 0x1000),
        (1, 4, dynamic_at, names_of_sections_at, 0x1000),
        (2, 6, dynamic_at, symbols_at, 8),
    ):
        size = end - start
        segments += struct.pack("<IIQQQQQQ", kind, flags, start, start, start, size, size, alignment)
    out = bytearray(sections_at)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    counts = (HEADER, SEGMENT, 3, SECTION, 1 + len(parts), len(parts))
    struct.pack_into("<16sHHIQQQIHHHHHH", out, 0, identity, 3, 247, 1, entry_at, HEADER, sections_at, 0, *counts)
    for place, content in (*parts, (HEADER, segments)):
        out[place : place + len(content)] = content
    return bytes(out) + table


def _text(texts: bytes, start: int) -> bytes:
    return texts[start : texts.index(b"\0", start)]


def _aligned(place: int) -> int:
    return (place + 7) & ~7
