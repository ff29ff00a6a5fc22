"""The schema against the contract that front ends are written against: everything in it is there, with the same type.

What is not there yet is named below, part by part; a part that has come must leave the list.
"""

from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    build_schema,
)

from api.schema import build_schema as build_ours

NOT_YET = [
    "Delivery.secret",
    "Mutation.signIn",
    "Mutation.sendBindingCode",
    "Mutation.confirmBinding",
    "Mutation.unbind",
    "Mutation.useCoupon",
    "Mutation.partnerLink",
    "SignInInput",
    "SendBindingCodeInput",
    "SendBindingCodeResult",
    "BindingCodeSent",
    "ConfirmBindingInput",
    "UnbindInput",
    "UnbindResult",
    "Unbound",
    "UseCouponInput",
    "UseCouponResult",
    "CouponUsed",
    "PartnerLinkInput",
    "PartnerLinkResult",
    "PartnerLink",
]


@pytest.fixture(scope="module")
def contract() -> GraphQLSchema:
    return build_schema(Path(__file__).with_name("contract.graphql").read_text())


@pytest.fixture(scope="module")
def ours() -> GraphQLSchema:
    return build_schema(build_ours().as_str())


def parts(schema: GraphQLSchema) -> dict[str, str]:
    """Each type, field, argument, enum value and union member by its path, with its type as it is written."""
    found: dict[str, str] = {}
    for name, type_ in schema.type_map.items():
        if name.startswith("__") or name in ("Int", "Float", "String", "Boolean", "ID"):
            continue
        found[name] = type(type_).__name__
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for interface in type_.interfaces:
                    found[f"{name} implements {interface.name}"] = ""
                for field_name, field in type_.fields.items():
                    found[f"{name}.{field_name}"] = str(field.type)
                    for arg_name, arg in field.args.items():
                        found[f"{name}.{field_name}({arg_name})"] = f"{arg.type} = {_default(arg.default_value)}"
            case GraphQLInputObjectType():
                for field_name, given in type_.fields.items():
                    found[f"{name}.{field_name}"] = f"{given.type} = {_default(given.default_value)}"
            case GraphQLEnumType():
                found |= {f"{name}.{value}": "" for value in type_.values}
            case GraphQLUnionType():
                found |= {f"{name} | {member.name}": "" for member in type_.types}
    return found


def _default(value: object) -> object:
    return None if value is Undefined else value


def is_not_yet(path: str) -> bool:
    owner = path.replace("(", ".").replace(" ", ".").split(".")
    return owner[0] in NOT_YET or ".".join(owner[:2]) in NOT_YET


def test_everything_of_the_contract_is_there_with_its_type(contract: GraphQLSchema, ours: GraphQLSchema) -> None:
    there = parts(ours)

    wrong = {
        path: (type_, there.get(path))
        for path, type_ in parts(contract).items()
        if not is_not_yet(path) and there.get(path) != type_
    }

    assert wrong == {}


def test_what_has_come_leaves_the_list_of_what_has_not(ours: GraphQLSchema) -> None:
    there = parts(ours)

    assert [path for path in NOT_YET if path in there] == []


def test_the_list_names_parts_of_the_contract(contract: GraphQLSchema) -> None:
    known = parts(contract)

    assert [path for path in NOT_YET if path not in known] == []


def test_every_part_says_what_it_is(ours: GraphQLSchema) -> None:
    silent: list[str] = []
    for name, type_ in ours.type_map.items():
        if name.startswith("__") or name in ("Int", "Float", "String", "Boolean", "ID"):
            continue
        if not type_.description:
            silent.append(name)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in type_.fields.items():
                if not field.description:
                    silent.append(f"{name}.{field_name}")
                for arg_name, arg in getattr(field, "args", {}).items():
                    if not arg.description:
                        silent.append(f"{name}.{field_name}({arg_name})")

    assert silent == []
