"""Dataclasses without generated code: the same names, the same meaning, a twentieth of the time at start-up.

The standard library writes and compiles the methods of every dataclass when its module is imported, about a
millisecond for each of the sixty that an audit has. Here all share the same few functions. Type checkers see
the standard ones; `dataclasses.fields`, `replace` and `asdict` work, and cost their import only where they are used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it
if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
else:
    _MISSING = object()

    class _Field:
        """What is said of one field beside its name."""

        __slots__ = ("default", "factory", "repr")

        def __init__(self, default, factory, repr):
            self.default, self.factory, self.repr = default, factory, repr

    def field(*, default=_MISSING, default_factory=None, repr=True):
        """A default that is made anew for every value, or a field that `repr` leaves out."""
        return _Field(default, default_factory, repr)

    def dataclass(cls=None, *, frozen=False, slots=False, eq=True):
        """A class whose annotations are its fields, in their order."""
        return _made(cls, frozen, slots, eq) if cls is not None else lambda cls: _made(cls, frozen, slots, eq)

    def replace(value, /, **changes):
        """The value with other contents in some fields."""
        for name in value.__match_args__:
            if name not in changes:
                changes[name] = getattr(value, name)
        return type(value)(**changes)

    class _DataclassFields:
        """The protocol of `dataclasses`, for whoever asks."""

        def __get__(self, _, cls):
            import dataclasses

            found = {}
            for name, said in cls.__fields__.items():
                found[name] = dataclasses.field(repr=said.repr)
                found[name].name, found[name].type = name, cls.__annotations__.get(name)
                found[name]._field_type = dataclasses._FIELD
            return found

    def _made(cls, frozen, slots, eq):
        fields = {}
        for name in cls.__annotations__:
            said = cls.__dict__.get(name, _MISSING)
            fields[name] = said if isinstance(said, _Field) else _Field(said, None, True)
        names = tuple(fields)
        if slots:
            own = {name: value for name, value in cls.__dict__.items() if name not in fields}
            del own["__dict__"], own["__weakref__"]
            cls = type(cls)(cls.__name__, cls.__bases__, {**own, "__slots__": names, "__qualname__": cls.__qualname__})
        else:
            for name, said in fields.items():
                if said.default is not _MISSING:
                    setattr(cls, name, said.default)
                elif name in cls.__dict__:
                    delattr(cls, name)
        cls.__fields__, cls.__match_args__, cls.__dataclass_fields__ = fields, names, _DataclassFields()
        cls.__init__ = _initializer(cls, names, fields, slots)
        cls.__repr__ = _repr
        cls.__reduce__ = _reduced
        if eq and "__eq__" not in cls.__dict__:
            cls.__eq__ = _equal
            if "__hash__" not in cls.__dict__ or cls.__dict__["__hash__"] is None:
                cls.__hash__ = _hash if frozen else None
        if frozen:
            cls.__setattr__ = cls.__delattr__ = _refuse
        return cls

    def _initializer(cls, names, fields, slots):
        count, put = len(names), object.__setattr__
        setters = [getattr(cls, name).__set__ for name in names] if slots else None

        def initialize(self, *given, **named):
            if named or len(given) != count:
                given = _bound(cls, fields, given, named)
            if setters is not None:
                for setter, value in zip(setters, given, strict=True):
                    setter(self, value)
            else:
                for name, value in zip(names, given, strict=True):
                    put(self, name, value)

        return initialize

    def _bound(cls, fields, given, named):
        """The values of all fields, in their order."""
        if not given and named.keys() == fields.keys():
            return [named[name] for name in fields]
        if len(given) > len(fields):
            raise TypeError(f"{cls.__name__} has {len(fields)} fields, but {len(given)} values are given")
        values = list(given)
        for position, (name, said) in enumerate(fields.items()):
            if position < len(given):
                if name in named:
                    raise TypeError(f"{cls.__name__}: two values for {name}")
            elif name in named:
                values.append(named.pop(name))
            elif said.factory is not None:
                values.append(said.factory())
            elif said.default is not _MISSING:
                values.append(said.default)
            else:
                raise TypeError(f"{cls.__name__}: no value for {name}")
        if named:
            raise TypeError(f"{cls.__name__} has no field {', '.join(named)}")
        return values

    def _contents(self):
        return tuple([getattr(self, name) for name in self.__match_args__])

    def _equal(self, other):
        return _contents(self) == _contents(other) if other.__class__ is self.__class__ else NotImplemented

    def _hash(self):
        return hash(_contents(self))

    def _repr(self):
        shown = (f"{name}={getattr(self, name)!r}" for name, said in self.__fields__.items() if said.repr)
        return f"{self.__class__.__qualname__}({', '.join(shown)})"

    def _reduced(self):
        return self.__class__, _contents(self)

    def _refuse(self, name, *_):
        raise AttributeError(f"{self.__class__.__name__} does not change: {name}")
