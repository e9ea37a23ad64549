"""What memory, disk and embedding cost, and what the recommended setting has to meet."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from embquant.entries import Entry, Number

LEAST_RETENTION = 0.99
"""The ``min_retention`` of a study that says nothing of quality."""


class Price(Entry):
    """What a GB costs, and where the price comes from."""

    usd_per_gb_month: Number = Field(ge=0, description="USD per GB (10⁹ bytes) and month")
    source: str = Field(min_length=1, description="where the price comes from")


class CorePrice(Entry):
    """What a core costs, and where the price comes from."""

    usd_per_core_hour: Number = Field(ge=0, description="USD per core and hour")
    source: str = Field(min_length=1, description="where the price comes from")


class Prices(Entry):
    """What memory, disk and embedding cost."""

    # The price that embedding quantization is usually reckoned with: the blog estimates it for AWS's x2gd instances.
    memory: Price = Field(
        Price(
            usd_per_gb_month=3.8,
            source="AWS x2gd instances, as estimated in https://huggingface.co/blog/embedding-quantization",
        ),
        description="price of memory, which holds the index",
    )
    disk: Price = Field(
        Price(
            usd_per_gb_month=0.1,
            source="AWS EBS gp2 volumes, us-east-1, list price, https://aws.amazon.com/ebs/pricing/",
        ),
        description="price of disk, which holds the index and the rescore store",
    )
    embedding: CorePrice = Field(
        CorePrice(
            usd_per_core_hour=0.0425,
            source="AWS c6i.large, two vCPUs, us-east-1, list price, https://aws.amazon.com/ec2/pricing/on-demand/",
        ),
        description="price of a core that embeds texts",
    )


class Requirements(Entry):
    """What the recommended setting has to meet."""

    min_retention: Number | None = Field(
        None,
        ge=0,
        le=1,
        description="least share of float32's quality, at the lower bound of its confidence interval; without "
        "judgements, least agreement (`overlap@k`). Default: 0.99, or nothing beside the next two keys",
    )
    min_quality: dict[str, Annotated[Number, Field(ge=0, le=1)]] | None = Field(
        None,
        description="metric → its least value, at the lower bound of its confidence interval, such as "
        "`{nDCG@10: 0.45}`. The recommendation then chooses among all models",
    )
    max_below_best_model: Number | None = Field(
        None,
        gt=0,
        le=1,
        description="how far quality may be below that of the best model's float32, at the lower bound of the paired "
        "difference. The recommendation then chooses among all models",
    )
    max_latency_p95_ms: Number | None = Field(
        None, gt=0, description="longest time that 95 % of the single queries may take, at the measured size"
    )
    max_bytes_per_vector: Number | None = Field(
        None, gt=0, description="most bytes per vector in memory, with its share of a graph or of lists"
    )
    max_usd_per_month: Number | None = Field(
        None, gt=0, description="highest price of memory and disk together, per month"
    )
    judge_after: Literal["fusion", "reranker"] | None = Field(
        None,
        description="what a setting keeps is what it keeps after `fusion`, or after the `reranker`; its latency stays "
        "the vector search's",
    )
    vectors: int | None = Field(
        None,
        ge=1,
        description="number of vectors that the price is for, and that settings are judged at as far as results can be "
        "expected; default: those of the corpus",
    )

    @property
    def chooses_among_models(self) -> bool:
        """Whether settings of all models are compared, because something is required of quality itself."""
        return self.min_quality is not None or self.max_below_best_model is not None

    @model_validator(mode="before")
    @classmethod
    def _with_least_retention(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or {"min_retention", "min_quality", "max_below_best_model"} & set(values):
            return values
        return {**values, "min_retention": LEAST_RETENTION}
