// vectors_hnswlib.cpp: hnswlib as a side (vectors_side.h). Mode "plain" gives
// it the vectors as they are, "padded" with zeros to a multiple of 16: only
// such widths reach its AVX-512 kernels.
#include "vectors_side.h"

#include <atomic>
#include <cstring>
#include <fstream>
#include <hnswlib/hnswlib.h>
#include <memory>
#include <thread>

namespace {

std::unique_ptr<hnswlib::SpaceInterface<float>> space;
std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;
size_t dim, width;

void drop() {
    graph.reset();
    space.reset();
}

std::vector<float> padded(const float *x) {
    std::vector<float> out(width);
    std::memcpy(out.data(), x, dim * sizeof(float));
    return out;
}

// Of length 1, so L2 and inner product rank alike; what is faster is taken.
void prepare(const side_data *data, const char *mode) {
    dim = data->dim;
    bool pad = std::strncmp(mode, "padded", 6) == 0;
    width = pad ? (dim + 15) / 16 * 16 : dim;
    if (data->cosine && std::strstr(mode, "_l2") == nullptr) {
        space.reset(new hnswlib::InnerProductSpace(width));
    } else {
        space.reset(new hnswlib::L2Space(width));
    }
}

void add(const side_data *data, size_t row) {
    const float *x = data->base + row * dim;
    if (width == dim) {
        graph->addPoint(x, row);
    } else {
        graph->addPoint(padded(x).data(), row);
    }
}

int build(const side_data *data, const side_setting *setting) {
    prepare(data, setting->mode);
    graph.reset(new hnswlib::HierarchicalNSW<float>(
        space.get(), data->rows, setting->m, setting->ef_construction));
    std::atomic<size_t> next{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < setting->threads; i++) {
        threads.emplace_back([&] {
            for (size_t row; (row = next++) < data->rows;) {
                add(data, row);
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    return 0;
}

int search(const float *queries, size_t count, int ef, uint32_t *ids) {
    graph->setEf(ef);
    for (size_t i = 0; i < count; i++) {
        const float *x = queries + i * dim;
        auto found = width == dim ? graph->searchKnn(x, SIDE_K)
                                  : graph->searchKnn(padded(x).data(), SIDE_K);
        for (size_t at = SIDE_K; at > 0; at--) {
            bool some = !found.empty();
            ids[i * SIDE_K + at - 1] =
                some ? uint32_t(found.top().second) : UINT32_MAX;
            if (some) {
                found.pop();
            }
        }
    }
    return 0;
}

int save(const char *path) {
    graph->saveIndex(path);
    return 0;
}

int open(const side_data *data, const side_setting *setting, const char *path) {
    prepare(data, setting->mode);
    graph.reset(new hnswlib::HierarchicalNSW<float>(space.get(), path));
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    const side hnswlib_side = {1, build, drop, search, save, open};
    return side_main(argc, argv, &hnswlib_side);
}
