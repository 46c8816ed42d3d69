from topology.loaders import load_grid
from topology.shards import shard_nodes, shard_of


def test_the_shard_of_a_node_is_the_crc32_of_its_id() -> None:
    # 0xCBF43926 is the published check value of CRC-32.
    assert shard_of("123456789", 1024) == 0xCBF43926 % 1024


def test_an_id_outside_ascii_has_a_shard() -> None:
    assert 0 <= shard_of("Großgartach", 7) < 7


def test_every_node_is_in_exactly_one_shard_and_in_ascending_order() -> None:
    grid = load_grid("germany")
    shards = shard_nodes(grid, 4)
    assert len(shards) == 4
    assert sorted(i for shard in shards for i in shard) == list(range(len(grid.nodes)))
    assert all(list(shard) == sorted(shard) for shard in shards)
    assert all(shard_of(grid.ids[i], 4) == s for s, shard in enumerate(shards) for i in shard)


def test_the_german_nodes_spread_over_all_four_default_shards() -> None:
    assert min(len(shard) for shard in shard_nodes(load_grid("germany"), 4)) >= 5


def test_one_partition_holds_everything() -> None:
    assert len(shard_nodes(load_grid("germany"), 1)[0]) == 57
