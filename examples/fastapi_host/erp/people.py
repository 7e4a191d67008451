"""Who somebody is, and who decides: the ERP knows, ProFlow asks."""

from proflow_runtime.approvals import ApproverSpec, Context
from proflow_runtime.service import PERMISSIONS, Principal, Problem
from starlette.requests import HTTPConnection

from erp.models import Employee


class EmployeeResolver:
    """Finds approvers among the employees."""

    async def resolve(self, tenant_id: int, spec: ApproverSpec, context: Context) -> list[str]:
        of_tenant = Employee.filter(tenant_id=tenant_id)
        match spec.kind:
            case "manager":
                applicant = await of_tenant.get_or_none(login=context.initiator)
                return [applicant.manager] if applicant and applicant.manager else []
            case "role":
                return [one.login for one in await of_tenant.filter(role=spec.value)]
            case _:
                return [] if spec.value is None else [spec.value]


async def authenticate(connection: HTTPConnection) -> Principal:
    """Who makes a request: of the ERP's own routes, and of ProFlow's."""
    _, _, key = connection.headers.get("authorization", "").partition(" ")
    employee = await Employee.get_or_none(api_key=key)
    if employee is None:
        raise Problem(401, "unauthenticated", "sign in first")
    roles = frozenset({employee.role} if employee.role else ())
    # The roles of the business give no permissions: those are the host's to grant.
    permissions = frozenset(PERMISSIONS if employee.role == "it" else ())
    return Principal(employee.tenant_id, employee.login, roles, permissions)
