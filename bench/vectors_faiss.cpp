// vectors_faiss.cpp: faiss as a side (vectors_side.h). Modes: what its
// index_factory is asked for with M put in: "HNSW%d,Flat", "HNSW%d,SQ8" and so
// on; "Flat" is exact. EF is efSearch, or nprobe of an inverted file.
#include "vectors_side.h"

#include <cstdio>
#include <cstring>
#include <faiss/AutoTune.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexRefine.h>
#include <memory>
#include <omp.h>
#include <vector>

namespace {

std::unique_ptr<faiss::Index> index;
size_t dim;

void drop() {
    index.reset();
}

int build(const side_data *data, const side_setting *setting) {
    char description[64];
    // "_" for ",": the modes are words.
    std::snprintf(description, sizeof description, "%s", setting->mode);
    for (char *at = description; *at != 0; at++) {
        *at = *at == '_' ? ',' : *at;
    }
    std::string name = description;
    size_t at = name.find('%');
    if (at != std::string::npos) {
        name.replace(at, 1, std::to_string(setting->m));
    }
    dim = data->dim;
    omp_set_num_threads(setting->threads);
    index.reset(faiss::index_factory(int(dim), name.c_str(), faiss::METRIC_L2));
    if (auto *hnsw = dynamic_cast<faiss::IndexHNSW *>(index.get())) {
        hnsw->hnsw.efConstruction = setting->ef_construction;
    }
    if (!index->is_trained) {
        index->train(data->rows, data->base);
    }
    index->add(data->rows, data->base);
    return 0;
}

void set_ef(faiss::Index *at, int ef) {
    if (auto *hnsw = dynamic_cast<faiss::IndexHNSW *>(at)) {
        hnsw->hnsw.efSearch = ef;
    } else if (auto *lists = dynamic_cast<faiss::IndexIVF *>(at)) {
        lists->nprobe = ef;
    } else if (auto *refine = dynamic_cast<faiss::IndexRefine *>(at)) {
        refine->k_factor = 10;
        set_ef(refine->base_index, ef);
    } else if (auto *before = dynamic_cast<faiss::IndexPreTransform *>(at)) {
        set_ef(before->index, ef);
    }
}

int search(const float *queries, size_t count, int ef, uint32_t *ids) {
    static std::vector<float> distances;
    static std::vector<faiss::Index::idx_t> labels;
    omp_set_num_threads(1);
    set_ef(index.get(), ef);
    distances.resize(count * SIDE_K);
    labels.resize(count * SIDE_K);
    index->search(count, queries, SIDE_K, distances.data(), labels.data());
    for (size_t i = 0; i < count * SIDE_K; i++) {
        ids[i] = uint32_t(labels[i]);
    }
    return 0;
}

int save(const char *path) {
    faiss::write_index(index.get(), path);
    return 0;
}

int open(const side_data *data, const side_setting *, const char *path) {
    dim = data->dim;
    index.reset(faiss::read_index(path));
    return 0;
}

} // namespace

int main(int argc, char **argv) {
    const side faiss_side = {1, build, drop, search, save, open};
    return side_main(argc, argv, &faiss_side);
}
