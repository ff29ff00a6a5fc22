"""The door of `/graphql`: transport, limits, errors. The schema behind it is put together elsewhere."""

from api.graphql.app import ContextFor, GraphQLApp, Observe
from api.graphql.errors import Report
from api.graphql.head import RequestHead
from api.graphql.limits import Limits
from api.graphql.plans import Compile, Compiled, Operation

__all__ = ["Compile", "Compiled", "ContextFor", "GraphQLApp", "Limits", "Observe", "Operation", "Report", "RequestHead"]
