"""Made-up merchants: partners for every merchant group of the two plans, and shops around the corner in none.

Any likeness to a real shop is chance. A group's merchants can be told by their tokens: `friday-market-1`, `mall-3`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Merchant:
    """mcc: ISO 18245. habit: what a customer does there, a key of `infra.demo.story.HABITS`."""

    token: str
    name: str
    groups: tuple[str, ...]
    mcc: str
    city: str
    habit: str


def _of(prefix: str, groups: tuple[str, ...], mcc: str, habit: str, *names: tuple[str, str]) -> tuple[Merchant, ...]:
    return tuple(
        Merchant(f"{prefix}-{number}", name, groups, mcc, city, habit) for number, (city, name) in enumerate(names, 1)
    )


PARTNERS: tuple[Merchant, ...] = (
    *_of("friday-market", ("friday-market",), "5411", "groceries",
         ("上海", "禾满仓生活超市（静安店）"), ("上海", "禾满仓生活超市（徐汇店）"), ("杭州", "邻里鲜超市（湖墅店）"),
         ("南京", "百家乐生鲜超市（鼓楼店）"), ("成都", "蜀味优选超市（锦江店）")),
    *_of("friday-dining", ("friday-dining",), "5812", "dinner",
         ("上海", "小南巷本帮菜（愚园路店）"), ("上海", "渔火里海鲜酒楼"), ("杭州", "断桥边杭帮菜馆"),
         ("南京", "秦淮灯影小馆"), ("成都", "椒麻巷子火锅（太古里店）")),
    *_of("mall", ("mall",), "5311", "mall",
         ("上海", "云锦天地购物中心"), ("上海", "星澜汇购物中心"), ("杭州", "湖滨四季城")),
    *_of("travel", ("travel",), "4722", "travel",
         ("上海", "山海行旅行网"), ("上海", "山海行旅行网（酒店）")),
    *_of("everyday-takeaway", ("everyday",), "5814", "takeaway",
         ("上海", "食光到家外卖"), ("上海", "饭点儿外卖")),
    *_of("everyday-ride", ("everyday",), "4121", "ride",
         ("上海", "顺路出行"), ("上海", "青橙打车")),
    *_of("everyday-fuel", ("everyday",), "5541", "fuel",
         ("上海", "通达加油（沪闵路站）"), ("杭州", "通达加油（文一路站）")),
    *_of("come-back", ("come-back",), "5411", "groceries",
         ("上海", "街角优选便利（总店）"), ("成都", "老邻居百货"), ("南京", "梧桐里生活馆")),
    *_of("dining", ("dining",), "5812", "dinner",
         ("上海", "云上花园餐厅"), ("上海", "半岛法餐厅"), ("杭州", "龙井山房私房菜"), ("成都", "锦官城宴")),
    *_of("shopping", ("shopping",), "5651", "boutique",
         ("上海", "西外滩名品馆"), ("上海", "梵都精品百货"), ("杭州", "武林银座名店")),
    *_of("leisure", ("leisure",), "7832", "evening",
         ("上海", "光影汇影城（豫园店）"), ("上海", "云顶SPA会所"), ("杭州", "西溪音乐空间")),
    *_of("points-online", ("points-online",), "5969", "online",
         ("上海", "悦选商城（线上）"), ("杭州", "优品汇（线上）"), ("上海", "全球臻选（线上）")),
    *_of("repayment", ("repayment",), "6012", "none",
         ("上海", "信用卡还款页面")),
)  # fmt: skip
"""Partners of the bank. `repayment` is the bank's own repayment page, which uses coupons like any other till."""

NEIGHBOURS: tuple[Merchant, ...] = (
    *_of("metro", (), "4111", "metro", ("上海", "申城地铁"), ("杭州", "钱塘地铁"), ("成都", "蓉城地铁")),
    *_of("breakfast", (), "5814", "breakfast",
         ("上海", "阿婆粢饭团"), ("上海", "晨光豆浆铺"), ("杭州", "片儿川早点"), ("南京", "鸭血粉丝老铺")),
    *_of("coffee", (), "5814", "coffee", ("上海", "拾光咖啡"), ("杭州", "半杯咖啡"), ("成都", "盖碗咖啡")),
    *_of("noodles", (), "5814", "lunch", ("上海", "老面坊"), ("南京", "皮肚面馆"), ("成都", "红油抄手店")),
    *_of("convenience", (), "5411", "convenience",
         ("上海", "邻家便利"), ("杭州", "好邻居便利"), ("成都", "小时光便利")),
    *_of("greengrocer", (), "5411", "groceries", ("上海", "菜场小张"), ("南京", "鲜蔬人家"), ("成都", "早市果蔬")),
    *_of("pharmacy", (), "5912", "pharmacy", ("上海", "康宁大药房"), ("成都", "百草堂药房")),
    *_of("utility", (), "4900", "bills", ("上海", "市民生活缴费"), ("上海", "通信话费充值")),
    *_of("school", (), "8299", "school", ("上海", "启明少儿艺术中心"), ("杭州", "小脚丫托管")),
    *_of("online", (), "5969", "online",
         ("杭州", "万物商城（线上）"), ("上海", "书海网（线上）"), ("上海", "萌宠之家（线上）")),
    *_of("hospital", (), "8062", "pharmacy", ("上海", "市第九社区医院")),
)  # fmt: skip
"""In no group: where most of a month's purchases happen."""

ABROAD: tuple[tuple[Merchant, str, str], ...] = (
    (Merchant("abroad-1", "Asakusa Kaze Ryokan", (), "7011", "東京", "abroad"), "JP", "JPY"),
    (Merchant("abroad-2", "Midori Depachika", (), "5311", "東京", "abroad"), "JP", "JPY"),
    (Merchant("abroad-3", "Orchid Lane Department Store", (), "5311", "Singapore", "abroad"), "SG", "SGD"),
    (Merchant("abroad-4", "Café du Petit Pont", (), "5812", "Paris", "abroad"), "FR", "EUR"),
    (Merchant("abroad-5", "Harbour View Hotel", (), "7011", "香港", "abroad"), "HK", "HKD"),
)
"""Merchant, country, currency of the purchase; amounts reach the hall settled, in renminbi."""

ALL: tuple[Merchant, ...] = (*PARTNERS, *NEIGHBOURS, *(merchant for merchant, _, _ in ABROAD))


def by_token(token: str) -> Merchant:
    return _BY_TOKEN[token]


_BY_TOKEN = {merchant.token: merchant for merchant in ALL}
