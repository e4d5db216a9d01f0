// Classify PNM images with an unpacked ONNX bundle: infer BUNDLE IMAGE.ppm...
//
//   ORT=/path/to/onnxruntime-linux-x64-1.x      the release archive with include/ and lib/
//   g++ -std=c++17 -O2 infer.cpp -I"$ORT/include" -L"$ORT/lib" -lonnxruntime -Wl,-rpath,"$ORT/lib" -o infer
//   python -c "from PIL import Image, ImageOps; ImageOps.exif_transpose(Image.open('cat.jpg')).convert('RGB').save('cat.ppm')"
//   ./infer digits-int8 cat.ppm
#include <onnxruntime_cxx_api.h>

#include <array>
#include <cstdio>
#include <exception>

#include "preprocess.hpp"

int main(int count, char** arguments) try {
    if (count < 3) {
        std::fprintf(stderr, "usage: infer BUNDLE IMAGE.ppm...\n");
        return 2;
    }
    const std::string bundle = arguments[1];
    const Rules rules = read_rules(bundle + "/preprocess.json");
    const std::vector<std::string> labels = json_strings(read_file(bundle + "/labels.json"));

    Ort::Env environment(ORT_LOGGING_LEVEL_WARNING, "patchswap");
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    Ort::Session session(environment, (bundle + "/model.onnx").c_str(), options);
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const std::array<int64_t, 4> shape{1, rules.channels, rules.height, rules.width};

    for (int index = 2; index < count; ++index) {
        std::vector<float> input = to_input(read_pnm(arguments[index]), rules);
        Ort::Value image =
            Ort::Value::CreateTensor<float>(memory, input.data(), input.size(), shape.data(), shape.size());
        const char* inputs[] = {"image"};
        const char* outputs[] = {"logits"};
        auto found = session.Run(Ort::RunOptions{nullptr}, inputs, &image, 1, outputs, 1);
        const float* logits = found[0].GetTensorData<float>();
        const std::vector<double> shares = softmax({logits, logits + labels.size()});
        const auto best = std::max_element(shares.begin(), shares.end()) - shares.begin();
        std::printf("%s\t%s\t%.6f\n", arguments[index], labels[best].c_str(), shares[best]);
    }
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "infer: %s\n", error.what());
    return 1;
}
