"""Names, numbers and birthdays of people who do not exist."""

from datetime import date, timedelta

# Surname and weight in thousandths of the population, roughly; the rare and polyphonic ones are given more than
# their share, because search by initials has to find them under each of their readings.
SURNAMES = {
    "王": 72, "李": 71, "张": 68, "刘": 54, "陈": 45, "杨": 31, "赵": 23, "黄": 22, "周": 21, "吴": 20, "徐": 17,
    "孙": 15, "胡": 13, "朱": 13, "高": 12, "林": 12, "何": 12, "郭": 12, "马": 11, "罗": 10, "梁": 9, "宋": 9,
    "郑": 8, "谢": 8, "韩": 8, "唐": 7, "冯": 7, "于": 7, "董": 6, "萧": 3, "程": 6, "曹": 6, "袁": 6, "邓": 5,
    "许": 5, "傅": 5, "沈": 5, "彭": 5, "吕": 5, "苏": 5, "卢": 5, "蒋": 5, "蔡": 5, "贾": 4, "丁": 4, "魏": 4,
    "薛": 4, "叶": 4, "阎": 3, "余": 4, "潘": 4, "杜": 4, "戴": 3, "夏": 3, "钟": 3, "汪": 3, "田": 3, "姜": 3,
    "范": 3, "方": 3, "石": 3, "姚": 3, "谭": 3, "廖": 3, "邹": 3, "熊": 3, "金": 3, "陆": 3, "郝": 3, "孔": 2,
    "白": 2, "崔": 2, "康": 2, "毛": 2, "邱": 2, "秦": 2, "江": 2, "史": 2, "顾": 2, "侯": 2, "邵": 2, "孟": 2,
    # more than one reading, or a reading that differs from the usual one of the character
    "曾": 5, "单": 2, "仇": 2, "查": 2, "解": 2, "任": 4, "区": 2, "朴": 1, "盖": 1, "缪": 1, "乐": 1, "翟": 1,
    "覃": 2, "冼": 1, "华": 1, "宁": 1, "纪": 1, "燕": 1, "应": 1, "卜": 1, "折": 1, "种": 1, "员": 1, "洗": 1,
    # two characters
    "尉迟": 1, "欧阳": 2, "司马": 1, "上官": 1, "诸葛": 1, "万俟": 1, "长孙": 1, "令狐": 1, "单于": 1, "澹台": 1,
}
FEMALE = "芳娜敏静丽艳娟霞秀玲桂英梅兰凤洁琴云莲真雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞莉婷雅颖露瑶怡婵雁蓓纨仪荷丹蓉眉君"
MALE = "伟刚勇毅俊峰强军平保东文辉力明永健世广志义兴良海山仁波宁贵福生龙元全国胜学祥才发武新利清飞彬富顺信子杰涛昌成康"
SECOND = "华建国英明春玉文红志海小金晓秀宝德永庆瑞嘉思雨梓子一欣佳浩宇轩涵"


class People:
    """Draws people from one random source."""

    def __init__(self, rng, until):
        self.rng, self.until = rng, until
        self.surnames, self.weights = list(SURNAMES), []
        total = 0
        for weight in SURNAMES.values():
            total += weight
            self.weights.append(total)
        self.numbers = 0

    def surname(self):
        return self.rng.choices(self.surnames, cum_weights=self.weights)[0]

    def given(self, female):
        rng = self.rng
        last = rng.choice(FEMALE if female else MALE)
        return last if rng.random() < 0.28 else rng.choice(SECOND) + last

    def phone(self):
        """A number that looks like a mobile's and belongs to nobody: 154 is not assigned to any carrier."""
        self.numbers += 1
        # A walk over all of them that ends where it began, so no number comes twice and suffixes look random.
        return f"154{(self.numbers * 38_628_871 + 12_345_678) % 100_000_000:08}"

    def birthday(self):
        """Customers of a pharmacy are older than the street; leap days come a little more often than in life."""
        rng = self.rng
        age = min(97, max(16, int(rng.gauss(52, 17))))
        if rng.random() < 0.003:
            year = (self.until.year - age) // 4 * 4
            return date(1904 if year <= 1900 else year, 2, 29)
        return self.until - timedelta(days=age * 365 + rng.randrange(365) + age // 4)
