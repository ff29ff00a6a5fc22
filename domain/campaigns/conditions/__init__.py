"""The conditions a campaign file may name, one kind a file. `KINDS` is the list that loader, schema and docs read."""

from typing import TypeAlias

from domain.campaigns.conditions.application_channel import ApplicationChannelIs
from domain.campaigns.conditions.base import Rule
from domain.campaigns.conditions.birthday_month import BirthdayMonth
from domain.campaigns.conditions.bound import Bound
from domain.campaigns.conditions.combined import All, Any, Not
from domain.campaigns.conditions.country import Country
from domain.campaigns.conditions.dormant import Dormant, DormantAt
from domain.campaigns.conditions.first_purchase import FirstPurchase
from domain.campaigns.conditions.flyer import Flyer
from domain.campaigns.conditions.holds_product import HoldsProduct
from domain.campaigns.conditions.in_segment import InSegment
from domain.campaigns.conditions.instalment import Instalment
from domain.campaigns.conditions.merchant_group import MerchantGroup
from domain.campaigns.conditions.month_days import MonthDays
from domain.campaigns.conditions.months import Months
from domain.campaigns.conditions.new_customer import NewCustomer
from domain.campaigns.conditions.payment_method import PaymentMethodIs
from domain.campaigns.conditions.profile import ProfileIs
from domain.campaigns.conditions.purchased_at import PurchasedAt
from domain.campaigns.conditions.purchases import Purchases
from domain.campaigns.conditions.reached import Reached
from domain.campaigns.conditions.sales_channel import SalesChannelIs
from domain.campaigns.conditions.spend import Spend
from domain.campaigns.conditions.total_spend import TotalSpend
from domain.campaigns.conditions.track_record import TrackRecord
from domain.campaigns.conditions.weekly import Slot, Weekly
from domain.campaigns.conditions.within_days import WithinDays
from domain.campaigns.conditions.workday import Workday

Tally: TypeAlias = Purchases | TotalSpend
Window: TypeAlias = Weekly | Months | MonthDays | Workday
Condition: TypeAlias = Rule

KINDS: dict[str, type[Rule]] = {
    found.kind: found
    for found in (
        HoldsProduct,
        NewCustomer,
        ApplicationChannelIs,
        Flyer,
        InSegment,
        ProfileIs,
        WithinDays,
        FirstPurchase,
        Purchases,
        TotalSpend,
        Spend,
        Instalment,
        MerchantGroup,
        PurchasedAt,
        SalesChannelIs,
        PaymentMethodIs,
        Country,
        Weekly,
        Months,
        MonthDays,
        Workday,
        BirthdayMonth,
        Dormant,
        Reached,
        TrackRecord,
        Bound,
        All,
        Any,
        Not,
    )
}

__all__ = [
    "KINDS",
    "All",
    "Any",
    "ApplicationChannelIs",
    "BirthdayMonth",
    "Bound",
    "Condition",
    "Country",
    "Dormant",
    "DormantAt",
    "FirstPurchase",
    "Flyer",
    "HoldsProduct",
    "InSegment",
    "Instalment",
    "MerchantGroup",
    "MonthDays",
    "Months",
    "NewCustomer",
    "Not",
    "PaymentMethodIs",
    "ProfileIs",
    "PurchasedAt",
    "Purchases",
    "Reached",
    "Rule",
    "SalesChannelIs",
    "Slot",
    "Spend",
    "Tally",
    "TotalSpend",
    "TrackRecord",
    "Weekly",
    "Window",
    "WithinDays",
    "Workday",
]
